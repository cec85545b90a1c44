export * from "./open-rows.js";
export * from "./rows.js";
