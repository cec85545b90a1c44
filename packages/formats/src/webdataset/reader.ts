import { ClosedError, CorruptShardError, UnsupportedError } from "../errors.js";
import type { Extents } from "../extents.js";
import type { OpenReaderOptions, ShardReader } from "../format.js";
import { MAX_NPY_HEADER_BYTES } from "../npy-header.js";
import { checkRowNumber } from "../row-number.js";
import { ScanWindow } from "../scan-window.js";
import { parseSchemaText, SCHEMA_KEY } from "../schema-text.js";
import { checkSchema, fieldOf, type Sample, type SampleValue, type Schema } from "../schema.js";
import { ShardFile } from "../shard-file.js";
import { decodeMember } from "./decode-member.js";
import { inferSchema } from "./infer-schema.js";
import { foreignColumns, writtenColumns } from "./member-columns.js";
import { memberExtents, type MemberPlaces } from "./member-extents.js";
import { indexMembers } from "./member-index.js";
import { readMetadata } from "./metadata.js";
import { SampleMembers } from "./sample-members.js";
import { TAR_END } from "./tar-header.js";
import { TarScan } from "./tar-scan.js";

/**
 * Opens a tar file by reading the header of every member; no data is read.
 * @throws CorruptShardError, UnsupportedError or FileError; never anything else, whatever the file holds.
 */
export function openWebdatasetReader(path: string, options: OpenReaderOptions = {}): ShardReader {
  if (options.schema !== undefined) checkSchema(options.schema);
  const file = new ShardFile(path);
  try {
    checkPlain(file);
    return openOurs(file) ?? openForeign(file, options.schema);
  } catch (error) {
    file.close();
    throw error;
  }
}

function checkPlain(file: ShardFile): void {
  const first = Buffer.from(file.read(0, Math.min(4, file.size), "the first bytes")).toString("latin1");
  const compression = [
    ["\x1f\x8b", "gzip"],
    ["BZh", "bzip2"],
    ["\xfd7zX", "xz"],
    ["\x28\xb5\x2f\xfd", "zstd"],
  ].find(([magic]) => first.startsWith(magic as string))?.[1];
  if (compression === undefined) return;
  throw new UnsupportedError({
    file: file.path,
    problem: `the archive is compressed by ${compression}, so its samples cannot be read at random`,
    fix: "decompress it first",
  });
}

/** A shard that millrace wrote; `undefined` for an archive that others made. */
function openOurs(file: ShardFile): ShardReader | undefined {
  const scan = new TarScan(file);
  scan.next();
  const metadata = readMetadata(scan.leading, file.path);
  if (metadata === undefined) return undefined;
  const schema = parseSchemaText(metadata.attributes.get(SCHEMA_KEY) as string, file.path);
  const columns = writtenColumns(schema);
  const index = indexMembers(file, columns, false);
  const members = new SampleMembers(index, [...columns.values()]);
  checkWhole(file, { samples: metadata.samples, found: members.length, end: index.end });
  const attributes = new Map([...metadata.attributes].filter(([name]) => name !== SCHEMA_KEY));
  return new WebdatasetReader(file, schema, attributes, members);
}

function checkWhole(file: ShardFile, { samples, found, end }: { samples: number; found: number; end: number }): void {
  const fix = "copy the file again; shards cannot be cut or joined";
  if (samples !== found) {
    const problem = "holds another number of samples than it says itself";
    throw new CorruptShardError({ file: file.path, problem, expected: `${samples}`, found: `${found}`, fix });
  }
  const isEnd = file.size === end + TAR_END.length && Buffer.from(file.read(end, TAR_END.length, "")).equals(TAR_END);
  if (isEnd) return;
  const problem = "does not end as it should";
  const expected = `${TAR_END.length} zeros`;
  throw new CorruptShardError({
    file: file.path,
    byte: end,
    problem,
    expected,
    found: `${file.size - end} bytes`,
    fix,
  });
}

function openForeign(file: ShardFile, given: Schema | undefined): ShardReader {
  const schema = given ?? inferSchema(file);
  const columns = foreignColumns(schema);
  const members = new SampleMembers(indexMembers(file, columns, true), [...columns.values()]);
  return new WebdatasetReader(file, schema, new Map(), members);
}

class WebdatasetReader implements ShardReader {
  readonly path: string;
  readonly length: number;
  readonly #file: ShardFile;
  readonly #window: ScanWindow;
  readonly #members: SampleMembers;
  readonly #places = new Map<string, MemberPlaces | undefined>();
  #closed = false;

  constructor(
    file: ShardFile,
    readonly schema: Schema,
    readonly attributes: ReadonlyMap<string, string>,
    members: SampleMembers,
  ) {
    this.path = file.path;
    this.length = members.length;
    this.#file = file;
    this.#window = new ScanWindow(file, MAX_NPY_HEADER_BYTES);
    this.#members = members;
  }

  extents(name: string): Extents | undefined {
    return this.#placesOf(name)?.extents;
  }

  shapes(name: string): Int32Array | undefined {
    return this.#placesOf(name)?.shapes;
  }

  readField(row: number, name: string): SampleValue {
    const number = this.#numberOf(name);
    checkRowNumber(this.path, row, this.length);
    const where = { window: this.#window, field: fieldOf(this.schema, name), sample: row };
    return decodeMember(where, this.#members.find(row, number));
  }

  read(row: number): Sample {
    return new Map(this.schema.fields.map(({ name }) => [name, this.readField(row, name)]));
  }

  close(): void {
    this.#closed = true;
    this.#file.close();
  }

  #placesOf(name: string): MemberPlaces | undefined {
    const number = this.#numberOf(name);
    const field = fieldOf(this.schema, name);
    if (!this.#places.has(name))
      this.#places.set(name, memberExtents(new ScanWindow(this.#file), this.#members, field, number));
    return this.#places.get(name);
  }

  #numberOf(name: string): number {
    if (this.#closed) throw new ClosedError({ file: this.path, problem: "the shard is closed" });
    return this.schema.fields.indexOf(fieldOf(this.schema, name));
  }
}
