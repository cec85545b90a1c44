import type { ShardFormat } from "../format.js";
import { openArrowReader } from "./reader.js";

/**
 * Arrow IPC files and streams, as pyarrow writes and reads them; the files are also called Feather version 2. Reading needs none of the library
 * but the classes that the flatbuffers compiler made; the writer's part is imported on first use.
 */
export const arrow: ShardFormat = {
  name: "arrow",
  extensions: ["arrow", "arrows", "feather"],
  openReader: openArrowReader,
  createWriter: async (path, options) => (await import("./writer.js")).createArrowWriter(path, options),
};
