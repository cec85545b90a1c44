export * from "./oracle.js";
export * from "./public-names.js";
export * from "./require.js";
export * from "./temp-dir.js";
export * from "./tier.js";
