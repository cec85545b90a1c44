import {
  byteLengthOf,
  indexPathOf,
  jpegSegmentColumn,
  offsetOf,
  openShard,
  sampleBytes,
  type Extents,
  type OpenShard,
  type RaggedField,
  type RaggedValue,
  type TensorField,
  type TypedArray,
} from "@millrace/formats/shard";
import type { FieldPlan } from "../fields.js";
import { DirectAccess } from "../storage/direct-access.js";
import { LocalFiles } from "../storage/local.js";
import { adjoiningRows } from "./adjoining-rows.js";
import { shardAt, shardOf, type PackedShards } from "./packed-shards.js";
import { SegmentFile } from "./segment-file.js";

/** Values up to this size are read for the whole shard at once, and kept. */
const COLUMN_VALUE_BYTES = 64;
/** Largest column kept. */
const COLUMN_BYTES = 2 ** 22;

interface ShardField {
  /** `undefined` where only the format's library can read the field. */
  readonly extents: Extents | undefined;
  /** The whole field, where its values are tiny and lie one after the other. */
  readonly column: Uint8Array | undefined;
  /** Of JPEGs: where their segments lie, in a shard that says so. */
  readonly segments: SegmentFile | undefined;
  /** Of ragged values with extents: their shapes, one after the other. */
  readonly shapes: Int32Array | undefined;
}

interface TableEntry {
  readonly shard: OpenShard;
  readonly fields: readonly ShardField[];
}

interface Failure {
  readonly error: unknown;
  /** The process had too many files open, which may pass. */
  readonly mayPass: boolean;
}

/**
 * The shards of a split as one worker sees them: opened when first needed, then read by extents. A bounded number of
 * files is kept open for that, and as many shards that only the format's library reads.
 */
export class ShardTable {
  readonly #files: LocalFiles;
  /** The sidecars that tell where the segments of JPEGs lie. */
  #sidecars: LocalFiles | undefined;
  readonly #entries: (TableEntry | undefined)[];
  /** Why a shard could not be opened: each of its samples fails with it. */
  readonly #failures = new Map<number, Failure>();
  /** Shards that only the format's library reads, which holds them open; the one longest unused first. */
  readonly #held = new Set<number>();
  #libraryBytes = 0;

  /** @param isCold - Values are read past the page cache, where they have extents and the file system allows it. */
  constructor(
    readonly shards: PackedShards,
    readonly plans: readonly FieldPlan[],
    readonly maxOpenFiles: number,
    isCold = false,
  ) {
    const { length } = shards;
    this.#entries = Array.from({ length });
    const paths = { length, at: (shard: number) => shardAt(shards, shard).path };
    this.#files = new LocalFiles(paths, maxOpenFiles, isCold ? new DirectAccess() : undefined);
  }

  /** Bytes that values were read by; of those that a format's library read, their size. */
  get bytesAsked(): number {
    return this.#files.bytesAsked + this.#libraryBytes;
  }

  /** Number of the shard that holds a sample. */
  shardOf(sample: number): number {
    return shardOf(this.shards, sample);
  }

  /** Row of a sample in its shard. */
  rowOf(shard: number, sample: number): number {
    return sample - (this.shards.starts[shard] as number);
  }

  /**
   * True if the shard can be read, or is known to be one that cannot; else {@link ShardTable.open} it. It is then the
   * one that was used last.
   */
  isOpen(shard: number): boolean {
    if (this.#held.delete(shard)) this.#held.add(shard);
    return this.#entries[shard] !== undefined || this.#failures.get(shard)?.mayPass === false;
  }

  /**
   * Opens a shard, and closes the one longest unused if too many are held open. Does not throw: a shard that cannot be
   * opened makes its samples fail when they are read.
   */
  async open(shard: number): Promise<void> {
    try {
      const opened = await openShard(shardAt(this.shards, shard));
      try {
        const fields = this.plans.map((plan) => this.#openField(shard, opened, plan));
        // A worker keeps what it has opened of every shard, so that is little.
        opened.keepChecksums(this.plans.map((plan) => plan.field.name));
        this.#entries[shard] = { shard: opened, fields };
        this.#failures.delete(shard);
        // Extents say where everything lies; the descriptor that reads them is one of a bounded number.
        if (fields.every((field) => field.extents !== undefined)) opened.close();
        else this.#hold(shard);
      } catch (error) {
        opened.close();
        throw error;
      }
    } catch (error) {
      this.#failures.set(shard, { error, mayPass: isOutOfFiles(error) });
    }
  }

  #hold(shard: number): void {
    this.#held.add(shard);
    for (const oldest of this.#held) {
      if (this.#held.size <= this.maxOpenFiles) break;
      this.#entries[oldest]?.shard.close();
      this.#entries[oldest] = undefined;
      this.#held.delete(oldest);
    }
  }

  #openField(shard: number, opened: OpenShard, plan: FieldPlan): ShardField {
    const { name, kind } = plan.field;
    const shapes = opened.reader.shapes(name);
    // Elements without their shape are of no use.
    const extents = kind === "ragged" && shapes === undefined ? undefined : opened.reader.extents(name);
    const segments = kind === "bytes" && extents !== undefined ? this.#openSegments(shard, opened, name) : undefined;
    return { extents, column: this.#readColumn(shard, extents), segments, shapes };
  }

  #openSegments(shard: number, { location, index }: OpenShard, field: string): SegmentFile | undefined {
    const column = index === undefined ? undefined : jpegSegmentColumn(location.path, index, field);
    if (column === undefined) return undefined;
    const { shards } = this;
    const at = (number: number): string => indexPathOf(shardAt(shards, number).path);
    // An index is read beside the image, so half as many files more are open.
    this.#sidecars ??= new LocalFiles({ length: shards.length, at }, Math.ceil(this.maxOpenFiles / 2));
    return new SegmentFile(this.#sidecars, shard, column);
  }

  #readColumn(shard: number, extents: Extents | undefined): Uint8Array | undefined {
    if (extents?.kind !== "affine") return undefined;
    const { byteLength, stride, base, length } = extents;
    const bytes = byteLength * length;
    if (byteLength > COLUMN_VALUE_BYTES || stride !== byteLength || bytes > COLUMN_BYTES) return undefined;
    const column = new Uint8Array(bytes);
    this.#files.readInto(shard, column, 0, bytes, base);
    return column;
  }

  #entry(shard: number): TableEntry {
    const entry = this.#entries[shard];
    if (entry === undefined) throw this.#failures.get(shard)?.error;
    return entry;
  }

  /** Bytes of one value, or `undefined` where only {@link ShardTable.readValue} tells. */
  byteLength(shard: number, field: number, row: number): number | undefined {
    const extents = this.#entry(shard).fields[field]?.extents;
    return extents === undefined ? undefined : byteLengthOf(extents, row);
  }

  /** Copies the bytes of one value, which must have extents, to `target` at `offset`. */
  readInto(shard: number, field: number, row: number, target: Uint8Array, offset: number): void {
    const { extents, column } = this.#entry(shard).fields[field] as ShardField;
    const byteLength = byteLengthOf(extents as Extents, row);
    if (column === undefined) {
      this.#files.readInto(shard, target, offset, byteLength, offsetOf(extents as Extents, row));
      return;
    }
    // A loop, as `set` would need a view of its own for each value.
    for (let i = 0, at = row * byteLength; i < byteLength; i++) target[offset + i] = column[at + i] as number;
  }

  /** Where the segments of the JPEGs of a field lie; `undefined` where the shard does not say so. */
  segments(shard: number, field: number): SegmentFile | undefined {
    return this.#entry(shard).fields[field]?.segments;
  }

  /** Copies `length` bytes of one value from its byte `from` on, which must lie in it, to `target` at `offset`. */
  readPart(
    shard: number,
    field: number,
    row: number,
    from: number,
    length: number,
    target: Uint8Array,
    offset: number,
  ): void {
    const { extents } = this.#entry(shard).fields[field] as ShardField;
    this.#files.readInto(shard, target, offset, length, offsetOf(extents as Extents, row) + from);
  }

  /** How many of `rows` values from `row` on one read gets, see {@link adjoiningRows}; 1 where there is nothing to read. */
  adjoining(shard: number, field: number, row: number, rows: number, byteLength: number): number {
    const { extents, column } = this.#entry(shard).fields[field] as ShardField;
    return extents === undefined || column !== undefined ? 1 : adjoiningRows(extents, row, rows, byteLength);
  }

  /**
   * Reads `length` bytes from where a value begins, those of values behind it among them. They count when
   * {@link ShardTable.countBytes} is told of each.
   * @returns false if they cannot be read.
   */
  tryRead(shard: number, field: number, row: number, length: number, target: Uint8Array, offset: number): boolean {
    const { extents } = this.#entry(shard).fields[field] as ShardField;
    return this.#files.tryRead(shard, target, offset, length, offsetOf(extents as Extents, row));
  }

  /** Counts bytes of a value that {@link ShardTable.tryRead} read. */
  countBytes(byteLength: number): void {
    this.#files.countBytes(byteLength);
  }

  /** True if the values of a field have extents in that shard. */
  isPlain(shard: number, field: number): boolean {
    return this.#entry(shard).fields[field]?.extents !== undefined;
  }

  /** An extent of the shape of a ragged value that has an extent. */
  extentOf(shard: number, field: number, row: number, axis: number): number {
    const { rank } = (this.plans[field] as FieldPlan).field as RaggedField;
    const { shapes } = this.#entry(shard).fields[field] as ShardField;
    return (shapes as Int32Array)[row * rank + axis] as number;
  }

  /** A tensor or ragged value, read by the format's library; memory of its own. Of a tensor, the shape is that of the field. */
  readArray(shard: number, field: number, row: number): RaggedValue {
    const plan = (this.plans[field] as FieldPlan).field;
    const value = this.#entry(shard).shard.reader.readField(row, plan.name);
    this.#libraryBytes += sampleBytes(value).length;
    return typeof value === "object" && "shape" in value
      ? value
      : { data: value as TypedArray, shape: (plan as TensorField).shape };
  }

  /** The bytes of one value, read by the format's library; memory of its own. */
  readValue(shard: number, field: number, row: number): Uint8Array {
    const name = (this.plans[field] as FieldPlan).field.name;
    const bytes = sampleBytes(this.#entry(shard).shard.reader.readField(row, name));
    this.#libraryBytes += bytes.length;
    return bytes;
  }

  /**
   * Checks the bytes of one value against the checksum in the manifest.
   * @throws {@link CorruptShardError} naming the sample.
   */
  check(shard: number, field: number, row: number, bytes: Uint8Array): void {
    this.#entry(shard).shard.check(row, (this.plans[field] as FieldPlan).field.name, bytes);
  }

  /** Closes all files. */
  close(): void {
    this.#files.close();
    this.#sidecars?.close();
    for (const entry of this.#entries) entry?.shard.close();
  }
}

/** True if an error comes from too many open files, of the process (EMFILE) or of the system (ENFILE). */
function isOutOfFiles(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (code === "EMFILE" || code === "ENFILE") return true;
  }
  return false;
}
