import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { crc32cPlain } from "@millrace/formats";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A number that an event file holds. */
export interface LoggedScalar {
  readonly tag: string;
  readonly step: number;
  readonly value: number;
}

/** What TensorBoard shows of a folder: a session's start ends what came before of its step and later ones. */
export function readScalars(dir: string): LoggedScalar[] {
  let scalars: LoggedScalar[] = [];
  for (const file of readdirSync(dir).toSorted()) {
    for (const record of records(readFileSync(join(dir, file)))) {
      const event = fieldsOf(record);
      const step = Number(event.find(([number]) => number === 2)?.[1] ?? 0);
      for (const [number, value] of event) {
        if (number === 7) scalars = scalars.filter((scalar) => scalar.step < step);
        if (number !== 5) continue;
        for (const [, entry] of fieldsOf(value as Uint8Array)) {
          const parts = new Map(fieldsOf(entry as Uint8Array));
          const tag = Buffer.from(parts.get(1) as Uint8Array).toString();
          if (parts.has(2)) scalars.push({ tag, step, value: Number(parts.get(2)) });
        }
      }
    }
  }
  return scalars;
}

/** The payloads of whole records with the right checksums. */
function records(bytes: Buffer): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + 16 <= bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    const end = at + 12 + length;
    if (end + 4 > bytes.length) break;
    const payload = bytes.subarray(at + 12, end);
    if (masked(bytes.subarray(at, at + 8)) !== bytes.readUInt32LE(at + 8)) throw new RangeError(`header at ${at}`);
    if (masked(payload) !== bytes.readUInt32LE(end)) throw new RangeError(`payload at ${at}`);
    found.push(payload);
    at = end + 4;
  }
  return found;
}

function masked(bytes: Uint8Array): number {
  const crc = crc32cPlain(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The fields of a message: numbers of varints and floats, bytes of the others. */
function fieldsOf(bytes: Uint8Array): [number: number, value: number | Uint8Array][] {
  const reader = new BinaryReader(bytes);
  const fields: [number, number | Uint8Array][] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.Varint) fields.push([number, Number(reader.int64())]);
    else if (type === WireType.Bit64) fields.push([number, reader.double()]);
    else if (type === WireType.Bit32) fields.push([number, reader.float()]);
    else fields.push([number, reader.bytes()]);
  }
  return fields;
}
