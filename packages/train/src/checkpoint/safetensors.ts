import { elementsOf, StateError } from "@millrace/formats";
import { z } from "zod";
import type { ReadableFile } from "../read-file.js";

/*
 * The file format safetensors (https://github.com/huggingface/safetensors, "Format"), tensors of float32 only:
 *
 *   8 bytes     length of the header, uint64, little-endian
 *   header      JSON, filled up with spaces:
 *               { "__metadata__": { key: text }, name: { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] } }
 *   data        the tensors, row-major, little-endian, without gaps; offsets count from here
 */
const LENGTH_BYTES = 8;
/** The limit of the format's own reader. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = "__metadata__";

/** A tensor of float32 in the host's memory. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major, as many as `shape` says. */
  readonly data: Float32Array;
}

/** What a file of safetensors holds, and where its data begins. */
export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: readonly NamedTensor[];
}

const EntrySchema = z.strictObject({
  dtype: z.literal("F32"),
  shape: z.array(z.int().min(0)).max(32),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

/** The bytes of a file with these tensors, in this order. Names are unique. */
export function encodeSafetensors({ metadata, tensors }: Safetensors): Uint8Array {
  let offset = 0;
  const entries = tensors.map(({ name, shape, data }) => {
    const entry = { dtype: "F32", shape, data_offsets: [offset, (offset += data.byteLength)] };
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`;
  });
  const texts = [...metadata].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${[`"${METADATA}":{${texts.join(",")}}`, ...entries].join(",")}}`);
  const dataAt = Math.ceil((LENGTH_BYTES + json.length) / 8) * 8;
  const bytes = new Uint8Array(dataAt + offset).fill(0x20, LENGTH_BYTES, dataAt);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataAt - LENGTH_BYTES), true);
  bytes.set(json, LENGTH_BYTES);
  let at = dataAt;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads what {@link encodeSafetensors} wrote, tensor by tensor. Every length is checked against the file before memory is
 * taken for it.
 * @throws {@link StateError} naming `path` and what is wrong.
 */
export async function readSafetensors(file: ReadableFile, path: string): Promise<Safetensors> {
  const fail: Fail = (problem, expected, found) => {
    throw new StateError({ file: path, problem, expected, found, fix: "use another checkpoint" });
  };
  if (file.size < LENGTH_BYTES) fail("is too short", `at least ${LENGTH_BYTES} bytes`, `${file.size}`);
  const prefix = new Uint8Array(LENGTH_BYTES);
  await file.readInto(prefix, 0);
  const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  const dataAt = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || dataAt > file.size)
    fail("is truncated, or no file of safetensors", `${dataAt} bytes of header`, `${file.size} bytes in all`);
  const text = new Uint8Array(headerBytes);
  await file.readInto(text, LENGTH_BYTES);
  const header = parseHeader(text, fail);
  const places = placesOf(header.entries, file.size - dataAt, fail);
  const tensors: NamedTensor[] = [];
  for (const { name, shape, at, bytes } of places) {
    const data = new Float32Array(bytes / 4);
    await file.readInto(new Uint8Array(data.buffer), dataAt + at);
    tensors.push({ name, shape, data });
  }
  return { metadata: header.metadata, tensors };
}

type Fail = (problem: string, expected?: string, found?: string) => never;

/** Where a tensor lies in the data of a file, in bytes. */
interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly at: number;
  readonly bytes: number;
}

/** The places of all tensors, which fill the data, as a header tells them. */
function placesOf(entries: readonly [string, unknown][], dataBytes: number, fail: Fail): Place[] {
  let end = 0;
  const places = entries.map(([name, value]) => {
    const parsed = EntrySchema.safeParse(value);
    if (!parsed.success) return fail(`has an impossible entry for the tensor ${name}`, parsed.error.issues[0]?.message);
    const { shape, data_offsets: range } = parsed.data;
    const bytes = elementsOf(shape) * 4;
    if (range[0] !== end || range[1] !== end + bytes)
      return fail(`has the tensor ${name} in the wrong place`, `${end} to ${end + bytes}`, range.join(" to "));
    end = range[1];
    if (end > dataBytes) return fail("is truncated", `${end} bytes of tensors or more`, `${dataBytes}`);
    return { name, shape, at: range[0], bytes };
  });
  if (end !== dataBytes) fail("is longer than its header says", `${end} bytes of tensors`, `${dataBytes}`);
  return places;
}

function parseHeader(bytes: Uint8Array, fail: Fail): { metadata: Map<string, string>; entries: [string, unknown][] } {
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail("has a damaged header");
  }
  if (typeof data !== "object" || data === null) return fail("has a damaged header");
  const entries = new Map<string, unknown>(Object.entries(data));
  const metadata = new Map<string, string>();
  for (const [key, value] of Object.entries(entries.get(METADATA) ?? {}))
    if (typeof value === "string") metadata.set(key, value);
  entries.delete(METADATA);
  return { metadata, entries: [...entries] };
}
