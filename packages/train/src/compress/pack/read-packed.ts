import { crc32c, crcText, elementsOf, StateError } from "@millrace/formats";
import { mostGapBytes } from "./gaps.js";
import {
  headerSchema,
  numbersOf,
  streamsOf,
  type PackedEntry,
  type PackedHeader,
  type PlannedStream,
} from "./packed-header.js";
import { END_BYTES, MAGIC, MAX_HEADER_BYTES, PACKED_VERSION, PREFIX_BYTES } from "./packed-layout.js";
import { unpackStream } from "./packed-stream.js";

/** What a reader of a packed model allows. */
export interface UnpackLimits {
  /**
   * The most weights of the model, scales and centroids counted in, as packed zeros need hardly a byte. Default
   * 268,435,456: 1 GiB of float32.
   */
  readonly maxWeights?: number | undefined;
}

/** A stream and its bytes in the file. */
export interface StoredStream extends PlannedStream {
  readonly packed: Uint8Array;
}

/** A packed model whose sizes were checked, its streams still packed; they share the memory of the file's bytes. */
export interface ReadPacked {
  readonly modelTopology: Record<string, unknown>;
  readonly tensors: readonly { readonly entry: PackedEntry; readonly streams: readonly StoredStream[] }[];
}

/** Throws the error of a packed model. */
export type Fail = (problem: string, expected?: string, found?: string, fix?: string) => never;

/** How a packed model in `file` is refused. */
export function refusal(file: string | undefined): Fail {
  return (problem, expected, found, fix = "copy the file again, or pack the model again") => {
    throw new StateError({ file, problem, expected, found, fix });
  };
}

/**
 * Reads the header of a packed model. Every size is checked before memory is taken for it.
 * @throws {@link StateError} saying what is wrong.
 */
export function readPacked(bytes: Uint8Array, fail: Fail, limits: UnpackLimits = {}): ReadPacked {
  const { header: text, body } = split(bytes, fail);
  const { modelTopology, tensors } = parseHeader(text, fail);
  const names = new Set<string>();
  const { maxWeights = 2 ** 28 } = limits;
  let weights = 0;
  let at = 0;
  const read = tensors.map((entry) => {
    const problem = names.has(entry.name) ? "is there twice" : entryProblem(entry);
    if (problem !== undefined) fail(`the tensor ${entry.name} ${problem}`);
    names.add(entry.name);
    weights += numbersOf(entry);
    if (!(weights <= maxWeights))
      fail("has too many weights", `at most ${maxWeights}`, `${weights} and more`, "raise maxWeights");
    const streams = streamsOf(entry).map((stream, index): StoredStream => {
      const start = at;
      at += entry.streams[index] as number;
      return { ...stream, packed: body.subarray(start, at) };
    });
    return { entry, streams };
  });
  if (at !== body.length) fail("has streams that do not fill it", `${body.length} bytes`, `${at}`);
  return { modelTopology, tensors: read };
}

function entryProblem(entry: PackedEntry): string | undefined {
  const elements = elementsOf(entry.shape);
  const { nonZeros, gapBytes } = entry;
  if ((nonZeros === undefined) !== (gapBytes === undefined)) return "tells its zeros by half";
  if (nonZeros !== undefined && gapBytes !== undefined) {
    if (nonZeros > elements) return `has ${nonZeros} numbers among ${elements}`;
    if (gapBytes < nonZeros || gapBytes > mostGapBytes(elements, nonZeros)) return `has gaps of ${gapBytes} bytes`;
  }
  if (entry.kind === "int8" && entry.axis !== undefined && entry.axis >= entry.shape.length) return "has no such axis";
  const planned = streamsOf(entry);
  if (entry.streams.length !== planned.length) return `has ${entry.streams.length} streams, not ${planned.length}`;
  const long = planned.findIndex(({ bytes }, index) => (entry.streams[index] as number) > bytes);
  return long === -1 ? undefined : `has a stream of ${planned[long]?.name} that is longer packed than unpacked`;
}

function split(bytes: Uint8Array, fail: Fail): { header: Uint8Array; body: Uint8Array } {
  const magic = new TextDecoder("latin1").decode(bytes.subarray(0, MAGIC.length));
  if (!MAGIC.startsWith(magic))
    fail("is no packed model", MAGIC, JSON.stringify(magic), "name a file that packModel wrote");
  const least = PREFIX_BYTES + END_BYTES;
  if (bytes.length < least) fail("is truncated", `at least ${least} bytes`, `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  if (version !== PACKED_VERSION) {
    const [age, fix] = version > PACKED_VERSION ? ["a newer", "update millrace"] : ["an unknown", undefined];
    fail(`is of ${age} version`, `${PACKED_VERSION}`, `${version}`, fix);
  }
  const [headerBytes, unpackedBytes] = [view.getUint32(12, true), view.getUint32(16, true)];
  const end = PREFIX_BYTES + headerBytes + view.getUint32(20, true);
  if (bytes.length !== end + END_BYTES)
    fail(
      bytes.length < end + END_BYTES ? "is truncated" : "is longer than it says",
      `${end + END_BYTES} bytes`,
      `${bytes.length}`,
    );
  const [stored, found] = [view.getUint32(end, true), crc32c(bytes.subarray(0, end))];
  if (stored !== found) fail("is damaged: its crc32c is wrong", crcText(stored), crcText(found));
  if (unpackedBytes > MAX_HEADER_BYTES)
    fail("has a header that is too long", `at most ${MAX_HEADER_BYTES} bytes`, `${unpackedBytes}`);
  const at = PREFIX_BYTES + headerBytes;
  const header =
    unpackStream(bytes.subarray(PREFIX_BYTES, at), unpackedBytes) ?? fail("has a header that does not unpack");
  return { header, body: bytes.subarray(at, end) };
}

function parseHeader(text: Uint8Array, fail: Fail): PackedHeader {
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    return fail("has a header that is not JSON");
  }
  const parsed = headerSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return fail(`has a header that does not fit: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`);
}
