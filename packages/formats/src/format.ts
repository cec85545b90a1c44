import type { FileChecksum } from "./checksum-file.js";
import type { Extents } from "./extents.js";
import type { Sample, SampleValue, Schema } from "./schema.js";

/** Names of the formats of shards. */
export const FORMAT_NAMES = ["hdf5", "arrow", "tfrecord", "webdataset"] as const;
/** Name of a format of shards. */
export type FormatName = (typeof FORMAT_NAMES)[number];

/** An open shard. Opening is async, reading is sync: readers live in worker threads that may block. */
export interface ShardReader {
  /** Path of the file, as it was given. */
  readonly path: string;
  readonly schema: Schema;
  /** Number of samples. */
  readonly length: number;
  /** Text attributes that the file carries beside its samples, such as `millrace.classes`. */
  readonly attributes: ReadonlyMap<string, string>;
  /**
   * Where the rows of a field lie in the file, or `undefined` where they lie encoded and only {@link readField}
   * gives them. A tensor's or ragged value's row is its elements, without the shape; of bytes and strings, the bytes.
   * Every extent was checked against the size of the file. Some formats look for them at the first call.
   * @throws SchemaError if there is no such field; CorruptShardError if the places that the file tells are impossible;
   * UnsupportedError for a value of 4 GiB; FileError if the system refuses; ClosedError if the file is to be read and
   * was closed.
   */
  extents(field: string): Extents | undefined;
  /**
   * The shapes `[length, rank]` of the values of a ragged field, one after the other, where {@link extents} has their
   * elements; each shape fits the bytes of its extent. `undefined` for other fields, and where only {@link readField}
   * tells a shape. It throws what {@link extents} throws, and belongs to the reader.
   */
  shapes(field: string): Int32Array | undefined;
  /**
   * One value of one sample. The memory is the caller's.
   * @throws CorruptShardError if the file's bytes do not give it; OptionError if `row` is not in `[0, length)`.
   */
  readField(row: number, field: string): SampleValue;
  /** All values of one sample, as {@link readField} gives them. */
  read(row: number): Sample;
  /**
   * Checks a sample by the checksum that the format itself keeps; absent where it keeps none. Works after `close` too.
   * @throws CorruptShardError if the sample's bytes do not match.
   */
  checkRow?(row: number): void;
  /** Frees the file. Idempotent. */
  close(): void;
}

/** How to open a shard. */
export interface OpenReaderOptions {
  /**
   * What the manifest says of the samples, or the caller wishes. Used where the file does not keep its schema: a tar or
   * TFRecord file that others made, a TFRecord file without samples. Without it such a file is read by what its first
   * samples hold.
   */
  readonly schema?: Schema | undefined;
  /**
   * Whether the first read of a sample calls {@link ShardReader.checkRow}. Default true; false for a caller that checks
   * the samples itself.
   */
  readonly verify?: boolean | undefined;
}

/** What a writer needs to know before the first sample. */
export interface ShardWriterOptions {
  readonly schema: Schema;
  /** How many samples will be written, where it is known; fewer is allowed, more is not. */
  readonly expectedSamples?: number | undefined;
  /** Text attributes to keep in the file beside its samples. */
  readonly attributes?: ReadonlyMap<string, string> | undefined;
  /**
   * How HDF5 packs tensors of 1024 bytes a sample and more; other formats ignore it. They then have no extents, and
   * reading inflates them. Default: not at all.
   */
  readonly compression?: Compression | undefined;
}

/** How a shard's tensors are packed: `gzip` is HDF5's filter of that name, which every HDF5 library has. */
export type Compression = "gzip";

/**
 * A shard in the making. The writer owns the file at its path until `finish` or `abort`. The bytes that it writes are
 * a pure function of the options and the samples: no time, no random number, no path.
 */
export interface ShardWriter {
  /**
   * Appends a sample. Its memory may be reused once the promise resolves.
   * @param checksums by field, the CRC-32C of the bytes of its value as `sampleBytes` gives them, from a caller that
   * has computed them: they become part of the file's checksum, and are trusted
   * @throws SchemaError if it does not fit the schema; FileError if the disk refuses.
   */
  write(sample: Sample, checksums?: ReadonlyMap<string, number>): Promise<void>;
  /**
   * Writes what is buffered and closes the file. It is complete, but not yet synced to disk. Returns its size and its
   * checksum, combined from those of the samples.
   */
  finish(): Promise<FileChecksum>;
  /** Closes and deletes the file. Idempotent, and does nothing after `finish`. */
  abort(): Promise<void>;
}

/** A format of shards: one folder, one member of the registry. */
export interface ShardFormat {
  readonly name: FormatName;
  /** File name extensions without the dot; new shards get the first. */
  readonly extensions: readonly [string, ...string[]];
  /** @throws CorruptShardError, UnsupportedError or FileError; never anything else, whatever the file holds. */
  openReader(path: string, options?: OpenReaderOptions): Promise<ShardReader>;
  /** Creates the file, which must not exist. */
  createWriter(path: string, options: ShardWriterOptions): Promise<ShardWriter>;
}
