import { UnsupportedError } from "../errors.js";
import type { ShardFormat } from "../format.js";

/** HDF5 shards. */
export const hdf5: ShardFormat = {
  name: "hdf5",
  extensions: ["h5", "hdf5"],
  openReader: () => Promise.reject(new UnsupportedError({ problem: "not yet" })),
  createWriter: () => Promise.reject(new UnsupportedError({ problem: "not yet" })),
};
