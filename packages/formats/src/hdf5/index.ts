import type { ShardFormat } from "../format.js";
import { openHdf5Reader } from "./reader.js";

/** HDF5 shards: written and read by millrace itself; h5wasm reads what others filtered in ways of their own. */
export const hdf5: ShardFormat = {
  name: "hdf5",
  extensions: ["h5", "hdf5"],
  openReader: openHdf5Reader,
  createWriter: async (path, options) => (await import("./writer.js")).createHdf5Writer(path, options),
};
