import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { CorruptShardError } from "../errors.js";
import type { WireCursor } from "./wire-cursor.js";

/**
 * A TFRecord file has no header, so a shard keeps its schema and attributes in its first record: in a field that
 * `tf.train.Example` does not have, which parsers of protobuf pass over. It stands last in the record, and the number of
 * samples last in it, so that it can be filled in when the shard is finished.
 *
 * ```text
 * Example  { features = 1, metadata = 20100 }
 * metadata { attributes: map<string, string> = 1, samples: fixed64 = 2 }
 * ```
 */
const METADATA = 20_100;
const ATTRIBUTE = { entry: 1, key: 1, value: 2 } as const;
const SAMPLES = 2;

/** Bytes of the number of samples, the last of the first record's payload. */
export const SAMPLES_BYTES = 8;

/** The number in a shard that is not finished. */
const UNFINISHED = 2n ** 64n - 1n;

/** What a shard tells of itself. */
export interface ShardMetadata {
  readonly attributes: ReadonlyMap<string, string>;
  /** How many samples it must have. */
  readonly samples: number;
}

/** The field for the end of the first record, of a shard that is not finished. */
export function encodeMetadata(attributes: ReadonlyMap<string, string>): Uint8Array {
  const writer = new BinaryWriter().tag(METADATA, WireType.LengthDelimited).fork();
  for (const [key, value] of attributes) {
    writer.tag(ATTRIBUTE.entry, WireType.LengthDelimited).fork();
    writer.tag(ATTRIBUTE.key, WireType.LengthDelimited).string(key);
    writer.tag(ATTRIBUTE.value, WireType.LengthDelimited).string(value).join();
  }
  return writer.tag(SAMPLES, WireType.Bit64).fixed64(UNFINISHED).join().finish();
}

/** The bytes that replace the last of the field when the shard is finished. */
export function encodeSamples(samples: number): Uint8Array {
  return new BinaryWriter().fixed64(BigInt(samples)).finish();
}

/**
 * What the first record of a shard tells, or `undefined` for a file that others made.
 * @throws CorruptShardError if it is damaged or the shard was never finished.
 */
export function readMetadata(cursor: WireCursor, offset: number, byteLength: number): ShardMetadata | undefined {
  cursor.row = 0;
  cursor.enter(offset, offset + byteLength);
  while (cursor.next()) {
    if (!cursor.holds(METADATA)) {
      cursor.skip();
      continue;
    }
    const length = cursor.length();
    const { path } = cursor.source;
    const bytes = cursor.source.read(cursor.position, length, "the metadata");
    const { attributes, samples } = parse(bytes, path, cursor.position);
    if (samples !== UNFINISHED) return { attributes, samples: Number(samples) };
    throw new CorruptShardError({
      file: path,
      problem: "the shard was never finished",
      fix: "repeat the conversion",
    });
  }
  return undefined;
}

function parse(bytes: Uint8Array, file: string, byte: number): { attributes: Map<string, string>; samples: bigint } {
  const attributes = new Map<string, string>();
  let samples = UNFINISHED;
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (number === ATTRIBUTE.entry && type === WireType.LengthDelimited) {
        const [key, value] = parseAttribute(reader.bytes());
        attributes.set(key, value);
      } else if (number === SAMPLES && type === WireType.Bit64) samples = BigInt(reader.fixed64());
      else reader.skip(type, number);
    }
  } catch (cause) {
    const problem = "the metadata of the shard is damaged";
    throw new CorruptShardError({ file, sample: 0, byte, problem, fix: "copy the file again", cause });
  }
  return { attributes, samples };
}

function parseAttribute(bytes: Uint8Array): [key: string, value: string] {
  const texts: [string, string] = ["", ""];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const isText = (number === ATTRIBUTE.key || number === ATTRIBUTE.value) && type === WireType.LengthDelimited;
    if (isText) texts[number - 1] = reader.string(true);
    else reader.skip(type, number);
  }
  return texts;
}
