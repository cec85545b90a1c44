import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "./atomic-file.js";
import { crc32c, crcText } from "./checksum.js";
import { bytesOf, DTYPES, dtypeBytes, viewAs, type Dtype, type TypedArray } from "./dtype.js";
import { CorruptShardError, fileError } from "./errors.js";
import { isListOf, isOneOf, isRecord, isWhole, parseJson } from "./json-shape.js";

/**
 * What a shard knows about its samples that its format has no place for, one column a name, in the binary sidecar
 * `shard-00000.index`. The column `crc32c/<field>`, uint32, holds the CRC-32C of each sample's bytes of that
 * field: the elements of a tensor, the bytes, the UTF-8 of a string; of a ragged value its shape, an int64 an extent,
 * and then its elements.
 *
 * ```text
 * 0   "MRINDEX1"                        8 bytes
 * 8   length of the header              uint32
 * 12  header: JSON                      { samples, columns: [{ name, dtype, offset, length }] }
 *     columns, each at a multiple of 8  little-endian
 * end-4  CRC-32C of all before it       uint32, which the manifest keeps too
 * ```
 */
export interface ShardIndex {
  readonly samples: number;
  readonly columns: ReadonlyMap<string, TypedArray>;
}

const MAGIC = "MRINDEX1";

/** Most columns of a sidecar. */
const MAX_COLUMNS = 1000;
/** Longest name of a column. */
const MAX_NAME = 200;

interface HeaderColumn {
  readonly name: string;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly length: number;
}

interface Header {
  readonly samples: number;
  readonly columns: readonly HeaderColumn[];
}

/** Path of the sidecar of a shard: its own with the extension `.index`. */
export function indexPathOf(shardPath: string): string {
  return shardPath.replace(/\.[^./\\]*$/u, ".index");
}

function dtypeOf(array: TypedArray): Dtype {
  const dtype = DTYPES.find(
    (name) => name !== "float16" && array instanceof viewAs(name, new Uint8Array(0)).constructor,
  );
  return dtype ?? "uint8";
}

function align(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

/** The bytes of a sidecar. */
export function encodeShardIndex(index: ShardIndex): Uint8Array {
  const columns = [...index.columns].map(([name, array]) => ({
    name,
    dtype: dtypeOf(array),
    offset: 0,
    length: array.length,
  }));
  const layout = (start: number): number => {
    let offset = start;
    for (const column of columns) {
      column.offset = offset;
      offset = align(offset + column.length * dtypeBytes(column.dtype));
    }
    return offset;
  };
  // Offsets stand inside the header whose length they depend on; its room is fixed before they are filled in.
  const room = align(12 + 64 + JSON.stringify({ samples: index.samples, columns }).length + columns.length * 20);
  const end = layout(room);
  const header = JSON.stringify({ samples: index.samples, columns }).padEnd(room - 12);
  const bytes = Buffer.alloc(end + 4);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(room - 12, 8);
  bytes.write(header, 12, "latin1");
  for (const column of columns) bytes.set(bytesOf(index.columns.get(column.name) as TypedArray), column.offset);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, end)), end);
  return bytes;
}

/**
 * Parses a sidecar; its columns share the memory of `bytes`, which begin with their buffer: a column's `byteOffset` is its
 * place in the file.
 * @param expected what the manifest says of it.
 * @throws {@link CorruptShardError} if it is damaged, or not that of the manifest.
 */
export function decodeShardIndex(
  bytes: Uint8Array,
  path: string,
  expected?: { readonly bytes: number; readonly crc32c: string },
): ShardIndex {
  if (expected !== undefined) checkBytes(path, bytes, expected);
  const corrupt = (problem: string, wanted?: string, found?: string): never => {
    throw new CorruptShardError({
      file: path,
      problem,
      expected: wanted,
      found,
      fix: "run millrace verify, then repeat the conversion",
    });
  };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 16 || buffer.toString("latin1", 0, 8) !== MAGIC) corrupt("is not a shard index", MAGIC);
  const end = buffer.length - 4;
  const stored = buffer.readUInt32LE(end);
  const found = crc32c(withoutEnd(buffer));
  if (stored !== found) corrupt("the crc32c of the shard index is wrong", crcText(stored), crcText(found));
  const headerLength = buffer.readUInt32LE(8);
  if (12 + headerLength > end) corrupt("the header passes the end of the file");
  const header = parseHeader(buffer.toString("utf8", 12, 12 + headerLength));
  if (header === undefined) return corrupt("the header is not readable");
  const columns = new Map<string, TypedArray>();
  for (const { name, dtype, offset, length } of header.columns) {
    if (offset + length * dtypeBytes(dtype) > end) corrupt(`the column ${name} passes the end of the file`);
    columns.set(name, viewAs(dtype, bytes.subarray(offset, offset + length * dtypeBytes(dtype))));
  }
  return { samples: header.samples, columns };
}

/** What the CRC-32C at the end covers. */
function withoutEnd(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, -4);
}

function isHeaderColumn(value: unknown): value is HeaderColumn {
  if (!isRecord(value) || Object.keys(value).length !== 4) return false;
  const { name, dtype, offset, length } = value;
  const isName = typeof name === "string" && name.length >= 1 && name.length <= MAX_NAME;
  return isName && isOneOf(dtype, DTYPES) && isWhole(offset) && isWhole(length);
}

function parseHeader(text: string): Header | undefined {
  const data = parseJson(text);
  if (!isRecord(data) || Object.keys(data).length !== 2) return undefined;
  const { samples, columns } = data;
  return isWhole(samples) && isListOf(columns, isHeaderColumn, MAX_COLUMNS) ? { samples, columns } : undefined;
}

/**
 * Writes the sidecar of a shard atomically and returns its bytes' count and the CRC-32C that stands at its end, as the
 * manifest keeps them. (The CRC-32C of the whole sidecar would be the same for all, as of anything that ends in its own.)
 */
export async function writeShardIndex(path: string, index: ShardIndex): Promise<{ bytes: number; crc32c: string }> {
  const bytes = encodeShardIndex(index);
  await writeFileAtomic(path, bytes);
  return { bytes: bytes.length, crc32c: crcText(crc32c(withoutEnd(bytes))) };
}

/**
 * Reads the sidecar of a shard.
 * @param expected what the manifest says of it.
 * @throws {@link FileError} if it cannot be read; {@link CorruptShardError} if it is damaged, or not that of the
 * manifest.
 */
export async function readShardIndex(
  path: string,
  expected?: { readonly bytes: number; readonly crc32c: string },
): Promise<ShardIndex> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw fileError(path, "read the shard index", error);
  }
  // A fresh copy is aligned; a small readFile result may be a slice of Node's pool.
  return decodeShardIndex(new Uint8Array(bytes), path, expected);
}

function checkBytes(file: string, bytes: Uint8Array, expected: { bytes: number; crc32c: string }): void {
  const fail = (wanted: string, found: string): never => {
    throw new CorruptShardError({
      file,
      problem: "is not the shard index of the manifest",
      expected: wanted,
      found,
      fix: "copy it again, or repeat the conversion",
    });
  };
  if (bytes.length !== expected.bytes) fail(`${expected.bytes} bytes`, `${bytes.length}`);
  const crc = crcText(crc32c(withoutEnd(bytes)));
  if (crc !== expected.crc32c) fail(`crc32c ${expected.crc32c}`, crc);
}
