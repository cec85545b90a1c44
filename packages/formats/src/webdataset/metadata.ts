import { crc32c, crcText } from "../checksum.js";
import { CorruptShardError } from "../errors.js";
import { isListOf, parseJson } from "../json-shape.js";
import { SCHEMA_KEY } from "../schema-text.js";
import { encodePax } from "./pax.js";
import { BLOCK_BYTES, encodeTarHeader, MEMBER, tarPadding } from "./tar-header.js";

/**
 * A tar file has no header, so a shard keeps its schema and attributes in a pax header of the whole archive: readers of
 * tar pass over the records that they do not know. The number of samples stands first, at a fixed place, so that it can
 * be filled in when the shard is finished.
 */
const SAMPLES = "MILLRACE.samples";
const ATTRIBUTES = "MILLRACE.attributes";
const CHECKSUM = "MILLRACE.crc32c";

const HEADER_NAME = "pax_global_header";
const DIGITS = 16;
const UNFINISHED = "-".repeat(DIGITS);

/** Byte offset of the number of samples in the file: behind the header, the length of the record and its name. */
export const SAMPLES_AT: number = BLOCK_BYTES + encodePax(new Map([[SAMPLES, UNFINISHED]])).length - DIGITS - 1;

/** What a shard tells of itself. */
export interface ShardMetadata {
  readonly attributes: ReadonlyMap<string, string>;
  /** How many samples it must have. */
  readonly samples: number;
}

/** The first header of a shard that is not finished, with its data. */
export function encodeMetadata(attributes: ReadonlyMap<string, string>): Uint8Array[] {
  const text = JSON.stringify([...attributes]);
  const records = new Map([
    [SAMPLES, UNFINISHED],
    [CHECKSUM, crcText(crc32c(Buffer.from(text, "utf8")))],
    [ATTRIBUTES, text],
  ]);
  const data = encodePax(records);
  return [encodeTarHeader(HEADER_NAME, data.length, MEMBER.paxGlobal), data, tarPadding(data.length)];
}

/** What replaces the bytes at {@link SAMPLES_AT} when the shard is finished. */
export function encodeSamples(samples: number): Uint8Array {
  return Buffer.from(String(samples).padStart(DIGITS, "0"), "latin1");
}

/**
 * What the first header of an archive tells, or `undefined` for an archive that others made.
 * @throws CorruptShardError if it is damaged, or the shard was never finished.
 */
export function readMetadata(
  records: ReadonlyMap<string, string> | undefined,
  file: string,
): ShardMetadata | undefined {
  if (records === undefined || ![SAMPLES, CHECKSUM, ATTRIBUTES].some((key) => records.has(key))) return undefined;
  const text = records.get(ATTRIBUTES) ?? "";
  const samples = records.get(SAMPLES);
  if (samples === UNFINISHED)
    throw new CorruptShardError({ file, problem: "the shard was never finished", fix: "repeat the conversion" });
  const attributes = parseAttributes(text);
  const isRight = records.get(CHECKSUM) === crcText(crc32c(Buffer.from(text, "utf8")));
  if (!isRight || attributes?.has(SCHEMA_KEY) !== true || !/^\d{16}$/u.test(samples ?? "")) {
    const problem = "the header of the shard is damaged";
    throw new CorruptShardError({ file, byte: BLOCK_BYTES, problem, fix: "copy the file again" });
  }
  return { attributes, samples: Number(samples) };
}

function isAttribute(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((text) => typeof text === "string");
}

function parseAttributes(text: string): Map<string, string> | undefined {
  const data = parseJson(text);
  return isListOf(data, isAttribute) ? new Map(data) : undefined;
}
