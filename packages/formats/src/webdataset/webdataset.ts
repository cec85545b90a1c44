import type { ShardFormat } from "../format.js";
import { openWebdatasetReader } from "./reader.js";

/** Tar files whose members are the parts of samples, as the Python package `webdataset` reads and writes them. */
export const webdataset: ShardFormat = {
  name: "webdataset",
  extensions: ["tar"],
  openReader: async (path, options) => openWebdatasetReader(path, options),
  createWriter: async (path, options) => (await import("./writer.js")).createWebdatasetWriter(path, options),
};
