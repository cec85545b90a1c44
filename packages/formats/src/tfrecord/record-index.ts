import type { ByteSource } from "../byte-source.js";
import { CorruptShardError } from "../errors.js";
import { NumberList } from "../number-list.js";
import { ScanWindow } from "../scan-window.js";
import { decodeHeader, FRAME_BYTES, HEADER_BYTES } from "./framing.js";

/** Where each record of a file lies: one number a record. */
export class RecordIndex {
  /** Number of records. */
  readonly length: number;

  /** `bounds`: where each record begins, and where the last one ends. */
  constructor(readonly bounds: Float64Array) {
    this.length = bounds.length - 1;
  }

  /** Byte offset of a record's payload. */
  offset(row: number): number {
    return (this.bounds[row] as number) + HEADER_BYTES;
  }

  /** Bytes of a record's payload. */
  byteLength(row: number): number {
    return (this.bounds[row + 1] as number) - (this.bounds[row] as number) - FRAME_BYTES;
  }
}

/**
 * Finds the records by their headers; no payload is read.
 * @throws CorruptShardError if a header's checksum is wrong, or a record passes the end of the file.
 */
export function indexRecords(source: ByteSource): RecordIndex {
  const window = new ScanWindow(source, undefined, HEADER_BYTES);
  const bounds = new NumberList();
  let position = 0;
  while (position < source.size) {
    const row = bounds.length;
    const left = source.size - position;
    if (left < FRAME_BYTES)
      throw cutOff(source, row, position, `a record of at least ${FRAME_BYTES} bytes`, `${left} bytes`);
    const length = decodeHeader(window.bytes, window.ensure(position, HEADER_BYTES, "a record"));
    if (length === undefined) {
      throw new CorruptShardError({
        file: source.path,
        sample: row,
        byte: position,
        problem: row === 0 ? "is not a TFRecord file, or its first length is damaged" : "the length is damaged",
        expected: "a length with its checksum",
        fix: "copy the file again; recoverTfrecord tells which records are sound",
      });
    }
    if (length > left - FRAME_BYTES)
      throw cutOff(source, row, position, `${length + FRAME_BYTES} bytes`, `${left} bytes`);
    bounds.push(position);
    position += length + FRAME_BYTES;
  }
  bounds.push(position);
  return new RecordIndex(bounds.toArray());
}

function cutOff(source: ByteSource, sample: number, byte: number, expected: string, found: string): CorruptShardError {
  const problem = "the file ends within the record";
  return new CorruptShardError({
    file: source.path,
    sample,
    byte,
    problem,
    expected,
    found,
    fix: "copy the file again",
  });
}
