export * from "./column.js";
export * from "./heap.js";
export * from "./runs.js";
export * from "./tensor.js";
export * from "./text.js";
