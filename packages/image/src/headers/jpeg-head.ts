import { exifOrientation, isFrameMarker } from "@millrace/formats/shard";
import { ByteReader } from "./byte-reader.js";
import { nextSegment } from "./jpeg-markers.js";
import { isSrgbProfile } from "./srgb-profile.js";

/** What stands in a JPEG before its first scan. */
export interface JpegHead {
  /** Columns as stored. */
  readonly width: number;
  /** Rows as stored. */
  readonly height: number;
  /** Marker of the frame, 0xc0 to 0xcf: which process encoded it. */
  readonly frame: number;
  /** Bits of a sample. */
  readonly precision: number;
  readonly components: number;
  /** The EXIF orientation, 1 to 8 (1: upright, also where none is given), or `undefined` if it cannot be told. */
  readonly orientation: number | undefined;
  /** The embedded colour profile: none, one that means sRGB, or any other. */
  readonly profile: "none" | "srgb" | "other";
  /** Offset of the first scan's marker. */
  readonly scanAt: number;
}

/** `Exif`, two zeros: what an APP1 segment of EXIF begins with. */
const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0];
/** `ICC_PROFILE`, a zero: what an APP2 segment of a colour profile begins with (ICC.1:2022, B.4). */
const ICC = [0x49, 0x43, 0x43, 0x5f, 0x50, 0x52, 0x4f, 0x46, 0x49, 0x4c, 0x45, 0];

function begins(bytes: Uint8Array, at: number, end: number, text: readonly number[]): boolean {
  if (at + text.length > end) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** The profile in a segment whose data is `[at, end)`, behind its name. A profile in several segments is `other`. */
function profileIn(reader: ByteReader, at: number, end: number): JpegHead["profile"] {
  const isAlone = at + 2 <= end && reader.u8(at) === 1 && reader.u8(at + 1) === 1;
  return isAlone && isSrgbProfile(reader.bytes, at + 2, end) ? "srgb" : "other";
}

/**
 * Reads a JPEG's segments up to its first scan, in one walk that allocates next to nothing.
 * @throws ImageError of reason truncated, corrupt or unsupported.
 */
export function readJpegHead(reader: ByteReader): JpegHead {
  let frame = 0;
  let frameAt = 0;
  let orientation: number | undefined = 1;
  let exifs = 0;
  let profile: JpegHead["profile"] = "none";
  for (let at = 2; ;) {
    const markerAt = nextSegment(reader, at);
    const marker = reader.u8(markerAt);
    if (marker === 0xd9) reader.fail("corrupt", "has no data", markerAt - 1);
    const dataAt = markerAt + 3;
    const end = markerAt + 1 + reader.u16(markerAt + 1);
    if (end < dataAt) reader.fail("corrupt", "has a marker segment without a length", markerAt + 1);
    if (end > reader.length) reader.fail("truncated", `ends in its header, after ${reader.length} bytes`);
    if (marker === 0xda) {
      if (frame === 0) reader.fail("corrupt", "has no frame header before its data", markerAt - 1);
      const { height, width } = { height: reader.u16(frameAt + 1), width: reader.u16(frameAt + 3) };
      const [precision, components] = [reader.u8(frameAt), reader.u8(frameAt + 5)];
      return { width, height, frame, precision, components, orientation, profile, scanAt: markerAt - 1 };
    }
    if (isFrameMarker(marker)) {
      if (frame !== 0) reader.fail("corrupt", "has two frame headers", markerAt - 1);
      frame = marker;
      frameAt = dataAt;
    } else if (marker === 0xe1 && begins(reader.bytes, dataAt, end, EXIF)) {
      orientation = exifs++ === 0 ? exifOrientation(reader.bytes, dataAt + EXIF.length, end) : undefined;
    } else if (marker === 0xe2 && begins(reader.bytes, dataAt, end, ICC)) {
      profile = profile === "none" ? profileIn(reader, dataAt + ICC.length, end) : "other";
    }
    at = end;
  }
}
