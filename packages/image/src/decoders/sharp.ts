import { isMillraceError, UnsupportedError, WorkerError } from "@millrace/formats/shard";
import type { OutputInfo, Sharp } from "sharp";
import {
  checkCount,
  checkDecodeOptions,
  checkInto,
  DEFAULT_MAX_PIXELS,
  type DecodeOptions,
} from "../decode-options.js";
import { imageStructure, type ImageEncoding } from "../header.js";
import { imageError, type RejectReason } from "../image-error.js";
import type { Pixels } from "../pixels.js";

type SharpFactory = typeof import("sharp").default;

/** Most columns and rows that a result may be resized to. */
const MAX_SIZE = 16_384;

let library: Promise<SharpFactory> | undefined;

/** The native library, loaded on first use. */
async function loadSharp(): Promise<SharpFactory> {
  try {
    const { default: sharp } = await import("sharp");
    // One image a thread is faster than several threads an image, and no image is decoded twice.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  } catch (cause) {
    throw new UnsupportedError({
      problem: "the image library sharp does not load",
      found: messageOf(cause),
      fix: "install it for this machine: npm install sharp",
      cause,
    });
  }
}

/** What libvips says, to a reason; its texts are the only thing it gives. */
const REASONS: readonly [pattern: RegExp, reason: RejectReason][] = [
  [/exceeds pixel limit|too large|maximum supported/iu, "too-large"],
  [/premature end|unexpected end|truncated|not enough|read error at/iu, "truncated"],
  // The header was recognised before, so this is damage.
  [/contains unsupported image format/iu, "corrupt"],
  [/unsupported|not supported|not implemented/iu, "unsupported"],
];

/** What libvips, its codecs and V8 say when they get no memory, which is not the fault of the image. */
const NO_MEMORY = /out of memory|insufficient memory|allocation failed|(?:unable|failed) to allocate|cannot allocate/iu;

function reasonOf(message: string): RejectReason {
  return REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? "corrupt";
}

/**
 * Warnings of libjpeg's after which it fills the rest of the image with grey, or goes on with wrong pixels. Its other
 * warnings (stray bytes before a marker, odd headers, odd profiles) leave the pixels right.
 */
const LOST_PIXELS = /premature end|bad (huffman|arithmetic) code|instead of RST/iu;

/** Refuses what the header already shows to be hopeless, before libvips sees it. Returns the encoding. */
function checkHeader(bytes: Uint8Array, options: DecodeOptions, maxPixels: number): ImageEncoding {
  const { header, isWhole } = imageStructure(bytes, options);
  const { encoding, width, height } = header;
  if (encoding === "bmp") {
    throw imageError("unsupported", options, {
      problem: "bmp images are not decoded",
      fix: "convert it to png, or remove it",
    });
  }
  if (width * height > maxPixels) {
    throw imageError("too-large", options, {
      problem: "has more pixels than allowed",
      expected: `at most ${maxPixels}`,
      found: `${width} x ${height}`,
      fix: "raise maxPixels if the image is trusted",
    });
  }
  if (!isWhole) {
    throw imageError("truncated", options, {
      problem: `the ${encoding} file ends too early`,
      found: `${bytes.length} bytes`,
      fix: "fetch it again, or remove it",
    });
  }
  return encoding;
}

function place(data: Uint8Array, into: Uint8Array | undefined): Uint8Array {
  if (into === undefined) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  checkInto(into, data.length);
  into.set(data);
  return into.subarray(0, data.length);
}

type FailOn = "error" | "warning";

function pipeline(sharp: SharpFactory, bytes: Uint8Array, options: SharpDecodeOptions, failOn: FailOn): Sharp {
  const limitInputPixels = options.maxPixels ?? DEFAULT_MAX_PIXELS;
  const image = sharp(bytes, { failOn, autoOrient: true, limitInputPixels, pages: 1 });
  image.flatten({ background: "#000" });
  if (options.size !== undefined) image.resize(options.size, options.size, { fit: "cover", position: "centre" });
  return image
    .toColourspace(options.channels === 1 ? "b-w" : "srgb")
    .removeAlpha()
    .raw({ depth: "uchar" });
}

interface RawImage {
  readonly data: Buffer;
  readonly info: OutputInfo;
}

/** Runs the pipeline. A JPEG is tried with all warnings as errors first, then again if they were harmless. */
async function run(bytes: Uint8Array, options: SharpDecodeOptions, encoding: ImageEncoding): Promise<RawImage> {
  const sharp = await (library ??= loadSharp());
  const attempt = (failOn: FailOn): Promise<RawImage> =>
    pipeline(sharp, bytes, options, failOn).toBuffer({ resolveWithObject: true });
  if (encoding !== "jpeg") return attempt("error");
  try {
    return await attempt("warning");
  } catch (cause) {
    if (LOST_PIXELS.test(messageOf(cause))) throw cause;
    return attempt("error");
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function noMemory({ file, key }: DecodeOptions, cause: unknown): WorkerError {
  return new WorkerError({
    file,
    key,
    problem: "there is not enough memory to decode the image",
    found: messageOf(cause).replaceAll("\n", ", "),
    fix: "lower numWorkers",
    cause,
  });
}

/** {@link DecodeOptions}, and a size. */
export interface SharpDecodeOptions extends DecodeOptions {
  /** Makes the result `size` by `size`: covered, centred, the rest cut off. JPEG and WebP are shrunk while decoding. */
  readonly size?: number | undefined;
}

/**
 * Decodes by sharp (libvips).
 * @throws ImageError for whatever is wrong with the bytes, OptionError for impossible options, UnsupportedError where
 * sharp is not installed, WorkerError where there is not enough memory.
 */
export async function decodeBySharp(bytes: Uint8Array, options: SharpDecodeOptions): Promise<Pixels> {
  const { maxPixels, channels } = checkDecodeOptions(options);
  checkCount("size", options.size, MAX_SIZE);
  const encoding = checkHeader(bytes, options, maxPixels);
  let result: RawImage;
  try {
    result = await run(bytes, options, encoding);
  } catch (cause) {
    if (isMillraceError(cause)) throw cause;
    if (NO_MEMORY.test(messageOf(cause))) throw noMemory(options, cause);
    throw imageError(reasonOf(messageOf(cause)), options, {
      problem: "cannot be decoded",
      found: messageOf(cause).replaceAll("\n", ", "),
      fix: "fetch it again, or remove it",
      cause,
    });
  }
  const { data, info } = result;
  if (info.channels !== channels) {
    throw imageError("unsupported", options, {
      problem: "has colours that cannot be converted",
      expected: `${channels} channels`,
      found: String(info.channels),
    });
  }
  return { data: place(data, options.into), width: info.width, height: info.height, channels };
}
