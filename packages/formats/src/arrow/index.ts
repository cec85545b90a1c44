import { UnsupportedError } from "../errors.js";
import type { ShardFormat } from "../format.js";

/** Arrow IPC shards. */
export const arrow: ShardFormat = {
  name: "arrow",
  extensions: ["arrow", "feather"],
  openReader: () => Promise.reject(new UnsupportedError({ problem: "not yet" })),
  createWriter: () => Promise.reject(new UnsupportedError({ problem: "not yet" })),
};
