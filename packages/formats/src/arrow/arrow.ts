import type { ShardFormat } from "../format.js";
import { openArrowReader } from "./reader.js";

/**
 * Arrow IPC files, as pyarrow writes and reads them; also called Feather version 2. Reading needs none of the library
 * but the classes that the flatbuffers compiler made; the writer's part is imported on first use.
 */
export const arrow: ShardFormat = {
  name: "arrow",
  extensions: ["arrow", "feather"],
  openReader: async (path) => openArrowReader(path),
  createWriter: async (path, options) => (await import("./writer.js")).createArrowWriter(path, options),
};
