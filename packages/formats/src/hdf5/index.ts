import type { ShardFormat } from "../format.js";
import { openHdf5Reader } from "./reader.js";
import { createHdf5Writer } from "./writer.js";

/** HDF5 shards: written through h5wasm, read by `pread` and our own parser of the metadata. */
export const hdf5: ShardFormat = {
  name: "hdf5",
  extensions: ["h5", "hdf5"],
  openReader: openHdf5Reader,
  createWriter: createHdf5Writer,
};
