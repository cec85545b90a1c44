import { avif } from "./headers/avif.js";
import { bmp } from "./headers/bmp.js";
import { ByteReader, fit } from "./headers/byte-reader.js";
import { gif } from "./headers/gif.js";
import type { HeaderFormat, ImageSize } from "./headers/header-format.js";
import { jpeg } from "./headers/jpeg.js";
import { png } from "./headers/png.js";
import { tiff } from "./headers/tiff.js";
import { webp } from "./headers/webp.js";
import { imageError, type ImagePlace } from "./image-error.js";

/** Encodings that {@link imageHeader} recognises. */
export const IMAGE_ENCODINGS = ["jpeg", "png", "webp", "gif", "bmp", "tiff", "avif"] as const;
/** Name of an image encoding. */
export type ImageEncoding = (typeof IMAGE_ENCODINGS)[number];

/** What an image's first bytes say about it. */
export interface ImageHeader {
  readonly encoding: ImageEncoding;
  /** Columns as stored, before EXIF orientation; 1 or more. */
  readonly width: number;
  /** Rows as stored, before EXIF orientation; 1 or more. */
  readonly height: number;
}

const FORMATS: ReadonlyMap<ImageEncoding, HeaderFormat> = new Map<ImageEncoding, HeaderFormat>([
  ["jpeg", jpeg],
  ["png", png],
  ["webp", webp],
  ["gif", gif],
  ["bmp", bmp],
  ["tiff", tiff],
  ["avif", avif],
]);

/** The first bytes as a text, or as numbers. */
function beginning(bytes: Uint8Array): string {
  const first = bytes.subarray(0, 16);
  const isText = first.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 9);
  return isText
    ? `the text ${JSON.stringify(String.fromCharCode(...first))}`
    : `the bytes ${Array.from(first, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
}

function formatOf(bytes: Uint8Array, place: ImagePlace): [ImageEncoding, HeaderFormat] {
  if (bytes.length === 0)
    throw imageError("empty", place, { problem: "has no bytes", fix: "remove the file, or fetch it again" });
  for (const entry of FORMATS) {
    for (const signature of entry[1].signatures) {
      const found = fit(bytes, signature);
      if (found === "whole") return entry;
      if (found === "start")
        throw imageError("truncated", place, { problem: `ends in the first bytes of a ${entry[0]}` });
    }
  }
  throw imageError("unsupported", place, {
    problem: "is not an image of a known encoding",
    expected: IMAGE_ENCODINGS.join(" | "),
    found: beginning(bytes),
    fix: "convert it to one of these, or remove it",
  });
}

function checkedSize(format: HeaderFormat, reader: ByteReader): ImageSize {
  const size = format.size(reader);
  if (size.width < 1 || size.height < 1)
    reader.fail("corrupt", `announces an impossible size, ${size.width} x ${size.height}`);
  return size;
}

/**
 * Encoding and size of an image, from its header alone; the name of the file plays no part. Safe for hostile bytes:
 * every read is checked, nothing is allocated, and the time is at most linear in the bytes.
 * @throws ImageError with reason `empty`, `unsupported`, `truncated` or `corrupt`.
 */
export function imageHeader(bytes: Uint8Array, place: ImagePlace = {}): ImageHeader {
  const [encoding, format] = formatOf(bytes, place);
  return { encoding, ...checkedSize(format, new ByteReader(bytes, place)) };
}

/** {@link imageHeader}, and whether the file's own lengths say that bytes are missing at its end. */
export function imageStructure(bytes: Uint8Array, place: ImagePlace): { header: ImageHeader; isWhole: boolean } {
  const [encoding, format] = formatOf(bytes, place);
  const reader = new ByteReader(bytes, place);
  const header = { encoding, ...checkedSize(format, reader) };
  return { header, isWhole: format.isWhole?.(reader) ?? true };
}
