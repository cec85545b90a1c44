export * from "./chunk-tree.js";
export * from "./datatype.js";
export * from "./dataset.js";
export * from "./metadata.js";
export * from "./superblock.js";
