import { checkDecodeOptions, checkInto, type DecodeOptions } from "../decode-options.js";
import { ByteReader } from "../headers/byte-reader.js";
import { readJpegHead, type JpegHead } from "../headers/jpeg-head.js";
import { isMillraceError } from "@millrace/formats/shard";
import type { Pixels } from "../pixels.js";

/**
 * A decoder of plain JPEGs: writes `width * height * channels` bytes at the beginning of `target`. False for whatever
 * the library complains about, be it a mere warning; `target` may have been written to then. Does not throw.
 */
export type JpegDecode = (
  bytes: Uint8Array,
  target: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
) => boolean;

/** Baseline, extended and progressive, all of them Huffman-coded (ITU-T T.81, table B.1). */
const PROGRESSIVE = 0xc2;
const FRAMES = [0xc0, 0xc1, PROGRESSIVE];
/** Most bytes of pixels: libjpeg-turbo's bindings count them in an int. */
const MAX_BYTES = 2 ** 31 - 1;
/** Most scans. Ordinary progressive JPEGs have about ten; with thousands, a small file takes minutes. */
const MAX_SCANS = 100;
const SCAN_MARKER = Buffer.from([0xff, 0xda]);

/** True if the first scan is all that a decoder reads, or not too many follow it. */
function hasFewScans(bytes: Uint8Array, head: JpegHead): boolean {
  // Behind its marker and length, a scan says how many components it has (ITU-T T.81, B.2.3).
  if (head.frame !== PROGRESSIVE && bytes[head.scanAt + 4] === head.components) return true;
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = head.scanAt;
  for (let scans = 0; at >= 0; scans++) {
    if (scans > MAX_SCANS) return false;
    at = all.indexOf(SCAN_MARKER, at + 2);
  }
  return true;
}

/**
 * Whether the fast decoders give what a `Decoder` has to: 8-bit grey or three components, upright, in sRGB. A colour
 * image to become grey is left to the other decoder too, which weighs light and not levels.
 */
function isPlain(head: JpegHead, channels: 1 | 3, maxPixels: number): boolean {
  const { width, height, frame, precision, components, orientation, profile } = head;
  const pixels = width * height;
  return (
    FRAMES.includes(frame) &&
    precision === 8 &&
    (components === 3 ? channels === 3 && profile !== "other" : components === 1 && profile === "none") &&
    orientation === 1 &&
    pixels > 0 &&
    pixels <= maxPixels &&
    pixels * channels <= MAX_BYTES
  );
}

function readHead(bytes: Uint8Array): JpegHead | undefined {
  if (bytes.length < 4 || bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  try {
    return readJpegHead(new ByteReader(bytes, {}));
  } catch (error) {
    if (isMillraceError(error, "IMAGE")) return undefined;
    throw error;
  }
}

/**
 * Decodes by `decode` if the image is a plain JPEG; `undefined` if it is anything else, or damaged.
 * @throws OptionError for impossible options.
 */
export function decodePlainJpeg(decode: JpegDecode, bytes: Uint8Array, options: DecodeOptions): Pixels | undefined {
  const { maxPixels, channels } = checkDecodeOptions(options);
  const head = readHead(bytes);
  if (head === undefined || !isPlain(head, channels, maxPixels) || !hasFewScans(bytes, head)) return undefined;
  const { width, height } = head;
  const byteLength = width * height * channels;
  const { into } = options;
  if (into !== undefined) checkInto(into, byteLength);
  const target = into ?? new Uint8Array(byteLength);
  if (!decode(bytes, target, width, height, channels)) return undefined;
  return { data: target.length === byteLength ? target : target.subarray(0, byteLength), width, height, channels };
}
