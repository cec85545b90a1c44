import { createReadStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commitFile, temporaryPath } from "./atomic-file.js";
import { crc32c, crcText } from "./checksum.js";
import type { TypedArray } from "./dtype.js";
import { CorruptShardError, fileError } from "./errors.js";
import type { FormatName, ShardReader, ShardWriter } from "./format.js";
import type { ShardEntry } from "./manifest.js";
import { openFormat } from "./registry.js";
import { sampleBytes } from "./sample-bytes.js";
import { checkSample, checkSchema, fieldOf, type Sample, type SampleValue, type Schema } from "./schema.js";
import { indexPathOf, readShardIndex, writeShardIndex, type ShardIndex } from "./shard-index.js";

/** Whether a sample's bytes are checked against its CRC-32C: at its first read in a process, at every read, never. */
export type ChecksumPolicy = "first" | "always" | "off";

/** Where a shard of a dataset lies: plain data, which a worker thread can open with {@link openShard}. */
export interface ShardLocation {
  /** Absolute path, already checked to lie inside the dataset's folder. */
  readonly path: string;
  readonly format: FormatName;
  readonly schema: Schema;
  readonly samples: number;
  /** What the manifest says of it; absent for a file without a manifest, which then has no checksums. */
  readonly entry?: ShardEntry | undefined;
}

/** What {@link createShard} needs to know. */
export interface CreateShardOptions {
  readonly split: string;
  /** Number of the shard in its split, from 0. */
  readonly number: number;
  readonly format: FormatName;
  readonly schema: Schema;
  /** How many samples will come, where it is known; fewer is allowed. */
  readonly expectedSamples?: number | undefined;
  /** Text attributes kept in the file. */
  readonly attributes?: ReadonlyMap<string, string> | undefined;
}

/** A shard in the making: invisible under its final name until `finish` has synced it to disk. */
export interface ShardBuilder {
  /**
   * Appends a sample; its memory may be reused once the promise resolves.
   * @throws {@link SchemaError} if it does not fit the schema.
   */
  write(sample: Sample): Promise<void>;
  /** Closes, syncs, renames, and returns the shard's line in the manifest. */
  finish(): Promise<ShardEntry>;
  /** Leaves nothing behind. Idempotent, and does nothing after `finish`. */
  abort(): Promise<void>;
}

/** Path of a shard relative to its dataset: `train/shard-00000.h5`. */
export function shardPath(split: string, number: number, extension: string): string {
  return `${split}/shard-${String(number).padStart(5, "0")}.${extension}`;
}

/**
 * Begins a shard of the dataset in `root`, with its sidecar of checksums.
 * @throws {@link FileError} if the system refuses.
 */
export async function createShard(root: string, options: CreateShardOptions): Promise<ShardBuilder> {
  checkSchema(options.schema);
  const format = await openFormat(options.format);
  const relative = shardPath(options.split, options.number, format.extensions[0]);
  const path = join(root, relative);
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw fileError(dirname(path), "create the folder", error);
  }
  const temporary = temporaryPath(path);
  return new Builder(path, relative, temporary, await format.createWriter(temporary, options), options.schema);
}

class Builder implements ShardBuilder {
  #samples = 0;
  readonly #crcs: Map<string, number[]>;

  constructor(
    readonly path: string,
    readonly relative: string,
    readonly temporary: string,
    readonly writer: ShardWriter,
    readonly schema: Schema,
  ) {
    this.#crcs = new Map(schema.fields.map((field) => [field.name, []]));
  }

  async write(sample: Sample): Promise<void> {
    checkSample(this.schema, sample);
    for (const [name, crcs] of this.#crcs) crcs.push(crc32c(sampleBytes(sample.get(name) as SampleValue)));
    await this.writer.write(sample);
    this.#samples++;
  }

  async finish(): Promise<ShardEntry> {
    await this.writer.finish();
    const file = await checksumFile(this.temporary);
    const columns = new Map<string, TypedArray>(
      [...this.#crcs].map(([name, crcs]) => [`crc32c/${name}`, Uint32Array.from(crcs)]),
    );
    const index = await writeShardIndex(indexPathOf(this.path), { samples: this.#samples, columns });
    await commitFile(this.temporary, this.path);
    return { path: this.relative, samples: this.#samples, bytes: file.bytes, crc32c: file.crc32c, index };
  }

  async abort(): Promise<void> {
    await this.writer.abort();
    await rm(this.temporary, { force: true });
  }
}

/** Size and CRC-32C of a whole file, as the manifest keeps them. */
export async function checksumFile(path: string): Promise<{ bytes: number; crc32c: string }> {
  let crc = 0;
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>) {
      crc = crc32c(chunk, crc);
      bytes += chunk.length;
    }
  } catch (error) {
    throw fileError(path, "read the file", error);
  }
  return { bytes, crc32c: crcText(crc) };
}

/** An open shard that knows the checksums of its samples. */
export interface OpenShard {
  readonly location: ShardLocation;
  readonly reader: ShardReader;
  /** The sidecar; `undefined` for a file without a manifest. */
  readonly index: ShardIndex | undefined;
  /** CRC-32C of each sample's bytes of a field, or `undefined` without a manifest. */
  checksums(field: string): Uint32Array | undefined;
  /**
   * Checks bytes that were read from a sample's extent, or that {@link sampleBytes} made of its value. Without a
   * manifest the sample is checked by the checksum of its format, where there is one.
   * @throws {@link CorruptShardError} with the sample, expected and found.
   */
  check(row: number, field: string, bytes: Uint8Array): void;
  /** Frees the file. Idempotent. */
  close(): void;
}

/**
 * Opens a shard and its sidecar, and checks that both are of the size that the manifest says.
 * @throws {@link CorruptShardError} if not, or if the file is damaged; {@link FileError} if it is not there.
 */
export async function openShard(location: ShardLocation): Promise<OpenShard> {
  const { path, entry } = location;
  if (entry !== undefined) await checkSize(path, entry.bytes);
  const format = await openFormat(location.format);
  const index = entry === undefined ? undefined : await readShardIndex(indexPathOf(path));
  // What the format itself protects is checked with the rest, in `check`, as the policy of the caller wants it.
  const reader = await format.openReader(path, { schema: location.schema, verify: false });
  if (reader.length !== location.samples || (index !== undefined && index.samples !== reader.length)) {
    reader.close();
    throw new CorruptShardError({
      file: path,
      problem: "holds another number of samples",
      expected: String(location.samples),
      found: String(reader.length),
      fix: "run millrace verify",
    });
  }
  return new Shard(location, reader, index);
}

async function checkSize(path: string, expected: number): Promise<void> {
  let size: number;
  try {
    size = (await stat(path)).size;
  } catch (error) {
    throw fileError(path, "open the shard", error);
  }
  if (size !== expected) {
    throw new CorruptShardError({
      file: path,
      problem: "has another size than the manifest says",
      expected: `${expected} bytes`,
      found: `${size}`,
      fix: "copy it again, or repeat the conversion",
    });
  }
}

class Shard implements OpenShard {
  constructor(
    readonly location: ShardLocation,
    readonly reader: ShardReader,
    readonly index: ShardIndex | undefined,
  ) {}

  checksums(field: string): Uint32Array | undefined {
    fieldOf(this.location.schema, field);
    return this.index?.columns.get(`crc32c/${field}`) as Uint32Array | undefined;
  }

  check(row: number, field: string, bytes: Uint8Array): void {
    const expected = this.checksums(field)?.[row];
    if (expected === undefined) {
      this.reader.checkRow?.(row);
      return;
    }
    const found = crc32c(bytes);
    if (found === expected) return;
    throw new CorruptShardError({
      file: this.location.path,
      sample: row,
      field,
      problem: "the crc32c of the sample is wrong",
      expected: crcText(expected),
      found: crcText(found),
      fix: "copy the shard again, or repeat the conversion",
    });
  }

  close(): void {
    this.reader.close();
  }
}
