export * from "./checksum.js";
export * from "./dtype.js";
export * from "./errors.js";
export * from "./extents.js";
export * from "./format.js";
export * from "./schema.js";
