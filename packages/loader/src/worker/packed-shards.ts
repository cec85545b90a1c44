import { crcText, type ShardLocation } from "@millrace/formats/shard";

/** What many shards have in common. */
type ShardKind = Pick<ShardLocation, "format" | "schema" | "root"> & { readonly hasEntry: boolean };

/**
 * The shards of a split as columns in shared memory: handing them to a thread costs the same for one and for a million of
 * them, and a location is put together when it is asked for. Plain data, which may be posted.
 */
export interface PackedShards {
  /** Number of shards. */
  readonly length: number;
  /** As many as there are data sets, or fewer. */
  readonly kinds: readonly ShardKind[];
  /** Which of the kinds each shard is of. */
  readonly kindOf: Uint32Array;
  /** Number of the first sample of each shard, and then of samples of all. */
  readonly starts: Float64Array;
  /** Of each shard and its sidecar, by the manifest: bytes and CRC-32C. */
  readonly bytes: Float64Array;
  readonly crcs: Uint32Array;
  /** Path of each shard, and its name in the manifest, one after the other in UTF-16, and where each of them ends. */
  readonly texts: Uint16Array;
  readonly textEnds: Uint32Array;
}

/** Packs the shards of a split. */
export function packShards(shards: readonly ShardLocation[]): PackedShards {
  const { length } = shards;
  const kinds: ShardKind[] = [];
  const kindOf = new Uint32Array(new SharedArrayBuffer(4 * length));
  const starts = new Float64Array(new SharedArrayBuffer(8 * (length + 1)));
  const bytes = new Float64Array(new SharedArrayBuffer(16 * length));
  const crcs = new Uint32Array(new SharedArrayBuffer(8 * length));
  const textEnds = new Uint32Array(new SharedArrayBuffer(8 * length));
  const names: string[] = [];
  let units = 0;
  let kind = -1;
  for (let n = 0; n < length; n++) {
    const location = shards[n] as ShardLocation;
    const { path, samples, entry } = location;
    // Shards of a kind lie side by side.
    if (!isOfKind(location, kinds[kind])) kind = findKind(kinds, location);
    kindOf[n] = kind;
    starts[n + 1] = (starts[n] as number) + samples;
    names.push(path);
    textEnds[2 * n] = units += path.length;
    if (entry !== undefined) {
      const { index } = entry;
      bytes[2 * n] = entry.bytes;
      bytes[2 * n + 1] = index.bytes;
      crcs[2 * n] = Number(entry.crc32c);
      crcs[2 * n + 1] = Number(index.crc32c);
      names.push(entry.path);
      units += entry.path.length;
    }
    textEnds[2 * n + 1] = units;
  }
  const texts = new Uint16Array(new SharedArrayBuffer(2 * units));
  Buffer.from(texts.buffer).write(names.join(""), "utf16le");
  return { length, kinds, kindOf, starts, bytes, crcs, texts, textEnds };
}

function isOfKind({ format, schema, root, entry }: ShardLocation, kind: ShardKind | undefined): boolean {
  if (kind?.format !== format || kind.schema !== schema) return false;
  return kind.root === root && kind.hasEntry === (entry !== undefined);
}

function findKind(kinds: ShardKind[], location: ShardLocation): number {
  const known = kinds.findIndex((kind) => isOfKind(location, kind));
  if (known !== -1) return known;
  const { format, schema, root, entry } = location;
  return kinds.push({ format, schema, root, hasEntry: entry !== undefined }) - 1;
}

/** The location of shard `n`, as it was packed. */
export function shardAt(packed: PackedShards, n: number): ShardLocation {
  const { kinds, kindOf, starts, bytes, crcs } = packed;
  const { format, schema, root, hasEntry } = kinds[kindOf[n] as number] as ShardKind;
  const samples = (starts[n + 1] as number) - (starts[n] as number);
  const location = { path: textAt(packed, 2 * n), format, schema, samples, root };
  if (!hasEntry) return location;
  const [ofShard, ofIndex] = [2 * n, 2 * n + 1];
  const index = { bytes: bytes[ofIndex] as number, crc32c: crcText(crcs[ofIndex] as number) };
  const crc32c = crcText(crcs[ofShard] as number);
  const entry = { path: textAt(packed, 2 * n + 1), samples, bytes: bytes[ofShard] as number, crc32c, index };
  return { ...location, entry };
}

/** Number of the shard that holds a sample of the split. */
export function shardOf({ starts, length }: PackedShards, sample: number): number {
  let low = 0;
  let high = length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) <= sample) low = middle;
    else high = middle;
  }
  return low;
}

function textAt({ texts, textEnds }: PackedShards, at: number): string {
  const start = at === 0 ? 0 : (textEnds[at - 1] as number);
  const units = (textEnds[at] as number) - start;
  return Buffer.from(texts.buffer, texts.byteOffset + 2 * start, 2 * units).toString("utf16le");
}
