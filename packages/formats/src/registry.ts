import { basename } from "node:path";
import { OptionError } from "./errors.js";
import { FORMAT_NAMES, type FormatName, type ShardFormat } from "./format.js";

/** Every format by name, imported on first use: a user of Arrow never loads the HDF5 library. */
const FORMATS: Readonly<Record<FormatName, () => Promise<ShardFormat>>> = {
  hdf5: async () => (await import("./hdf5/index.js")).hdf5,
  arrow: async () => (await import("./arrow/index.js")).arrow,
  tfrecord: async () => (await import("./tfrecord/index.js")).tfrecord,
  webdataset: async () => (await import("./webdataset/index.js")).webdataset,
};

const EXTENSIONS: ReadonlyMap<string, FormatName> = new Map<string, FormatName>([
  [".h5", "hdf5"],
  [".hdf5", "hdf5"],
  [".arrow", "arrow"],
  [".arrows", "arrow"],
  [".feather", "arrow"],
  [".tfrecord", "tfrecord"],
  [".tfrecords", "tfrecord"],
  [".tfrecord.gz", "tfrecord"],
  [".tfrecords.gz", "tfrecord"],
  [".tar", "webdataset"],
]);

/** True for the name of a format. */
export function isFormatName(name: string): name is FormatName {
  return (FORMAT_NAMES as readonly string[]).includes(name);
}

/**
 * The format of that name.
 * @throws {@link OptionError} if there is none.
 */
export async function openFormat(name: string): Promise<ShardFormat> {
  if (!isFormatName(name)) {
    throw new OptionError({
      option: "format",
      problem: "is not a format",
      expected: FORMAT_NAMES.join(" | "),
      found: name,
    });
  }
  return await FORMATS[name]();
}

/** The format that a file name's extension tells, or `undefined`. */
export function formatOfPath(path: string): FormatName | undefined {
  const name = basename(path).toLowerCase();
  return [...EXTENSIONS].find(([extension]) => name.endsWith(extension))?.[1];
}
