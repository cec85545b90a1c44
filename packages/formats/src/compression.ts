import { OptionError } from "./errors.js";
import type { FormatName } from "./format.js";

/**
 * Checks that shards of the format can be packed so.
 * @throws OptionError if not.
 */
export function checkCompression(format: FormatName, compression: string | undefined): void {
  if (compression === undefined || (format === "hdf5" && compression === "gzip")) return;
  throw new OptionError({
    option: "compression",
    problem: `${format} shards are not written so`,
    expected: format === "hdf5" ? "gzip, or none" : "none; the format hdf5 has gzip",
    found: compression,
  });
}
