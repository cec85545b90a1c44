import type { ByteSource } from "../byte-source.js";
import { crcText } from "../checksum.js";
import { CorruptShardError } from "../errors.js";
import { checkPayload } from "./framing.js";
import type { RecordIndex } from "./record-index.js";

/**
 * Compares a record with the checksum that the file keeps.
 * @throws CorruptShardError with both checksums, as they stand in the file.
 */
export function checkRecord(source: ByteSource, index: RecordIndex, row: number): void {
  const { isRight, expected, found } = checkPayload(source, index.offset(row), index.byteLength(row));
  if (isRight) return;
  throw new CorruptShardError({
    file: source.path,
    sample: row,
    byte: index.offset(row),
    problem: "the masked crc32c of the record is wrong",
    expected: crcText(expected),
    found: crcText(found),
    fix: "copy the file again",
  });
}
