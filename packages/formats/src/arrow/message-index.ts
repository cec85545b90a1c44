import { Endianness } from "apache-arrow/fb/endianness";
import { MetadataVersion } from "apache-arrow/fb/metadata-version";
import type { Schema } from "apache-arrow/fb/schema";
import { UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import type { CheckedBytes } from "./checked-bytes.js";

/** The largest footer or message that is read: room for the blocks of 2.7 million record batches. */
const MAX_METADATA_BYTES: number = 64 * 2 ** 20;

/** Where a message lies in the file. */
export interface Block {
  readonly offset: number;
  /** Bytes of the metadata; the body begins behind them. */
  readonly metadataBytes: number;
  readonly bodyBytes: number;
}

/** Where everything is, as a file's footer tells or a scan of a stream finds. Every block lies in the file. */
export interface MessageIndex {
  /** The schema as it stands in the file; reads of it are checked. */
  readonly schema: Schema;
  /** The bytes of the schema. */
  readonly bytes: CheckedBytes;
  readonly dictionaries: readonly Block[];
  readonly recordBatches: readonly Block[];
  /** True for a stream, where a later dictionary replaces an earlier one for the record batches behind it. */
  readonly isStream: boolean;
}

/** Refuses metadata that older and newer versions of the format lay out in another way. */
export function checkVersion(file: ShardFile, version: MetadataVersion): void {
  if (version === MetadataVersion.V4 || version === MetadataVersion.V5) return;
  throw new UnsupportedError({
    file: file.path,
    problem: "has another version of Arrow's metadata",
    expected: "4 or 5",
    found: String(version + 1),
    fix: "write it again with a current Arrow library",
  });
}

/** Refuses the values of big-endian machines. */
export function checkEndianness(file: ShardFile, schema: Schema): void {
  if (schema.endianness() === Endianness.Little) return;
  throw new UnsupportedError({
    file: file.path,
    problem: "the file is big-endian",
    fix: "write it again on a little-endian machine",
  });
}

/** Refuses metadata that no memory should be taken for. */
export function checkMetadataBytes(file: ShardFile, byte: number, length: number): void {
  if (length <= MAX_METADATA_BYTES) return;
  throw new UnsupportedError({
    file: file.path,
    byte,
    problem: "metadata of this size is not read",
    expected: `at most ${MAX_METADATA_BYTES} bytes`,
    found: `${length}`,
    fix: "write it again with larger record batches",
  });
}
