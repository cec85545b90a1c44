import { dirname, sep } from "node:path";
import { commonEncoding, encodingOf } from "./encoding-of.js";
import { UnsupportedError } from "./errors.js";
import type { FormatName, ShardReader } from "./format.js";
import { formatOfFile } from "./format-of-file.js";
import { mergeSchemas, type FileSchema } from "./merge-schemas.js";
import { openFormat } from "./registry.js";
import type { Schema } from "./schema.js";
import type { ShardLocation } from "./shard.js";

/** Files of shards without a manifest. */
export interface ForeignFiles {
  readonly format: FormatName;
  readonly schema: Schema;
  readonly shards: readonly ShardLocation[];
}

/** Samples that are looked at to recognise images. */
const SNIFFED_ROWS = 16;

/**
 * Opens each file once, to learn its schema and how many samples it has.
 *
 * @param paths at least one
 * @param format of files whose name and first bytes do not tell it
 * @throws UnsupportedError if the format is not known, or the files are not of one format and one schema;
 * CorruptShardError or FileError if one cannot be read.
 */
export async function locateForeignFiles(
  paths: readonly string[],
  format: FormatName | undefined,
): Promise<ForeignFiles> {
  const name = format ?? (await commonFormat(paths));
  const opened = await openFormat(name);
  const files: (FileSchema & { readonly samples: number })[] = [];
  for (const path of paths) {
    const reader = await opened.openReader(path);
    try {
      files.push({ path, schema: withEncodings(reader), samples: reader.length });
    } finally {
      reader.close();
    }
  }
  const schema = mergeSchemas(files, name === "tfrecord" || name === "webdataset");
  return { format: name, schema, shards: files.map(({ path, samples }) => ({ path, format: name, schema, samples })) };
}

/** The schema of a file, with the encoding of bytes that are images by those of its first samples. */
function withEncodings(reader: ShardReader): Schema {
  const rows = Math.min(reader.length, SNIFFED_ROWS);
  const fields = reader.schema.fields.map((field) => {
    if (field.kind !== "bytes" || field.encoding !== "none") return field;
    const values = Array.from({ length: rows }, (_, row) => reader.readField(row, field.name) as Uint8Array);
    return { ...field, encoding: commonEncoding(values.map(encodingOf)) };
  });
  return { fields };
}

async function commonFormat(paths: readonly string[]): Promise<FormatName> {
  let common: FormatName | undefined;
  for (const path of paths) {
    const format = await formatOfFile(path);
    if (format === undefined)
      throw new UnsupportedError({
        file: path,
        problem: "neither its extension nor its first bytes tell a format",
        expected: ".h5, .hdf5, .arrow, .feather, .tfrecord, .tfrecords or .tar",
        fix: "name the format",
      });
    common ??= format;
    if (format !== common) {
      const problem = "the files are of several formats";
      throw new UnsupportedError({ file: path, problem, expected: common, found: format, fix: "open them apart" });
    }
  }
  return common as FormatName;
}

/** The innermost folder that holds all of these absolute paths; of a single one, the path itself. */
export function commonRoot(paths: readonly string[]): string {
  if (paths.length === 1) return paths[0] as string;
  let root = dirname(paths[0] as string);
  while (!paths.every((path) => path.startsWith(root.endsWith(sep) ? root : root + sep)) && dirname(root) !== root)
    root = dirname(root);
  return root;
}
