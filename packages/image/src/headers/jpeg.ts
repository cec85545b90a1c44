import { isFrameMarker } from "@millrace/formats/shard";
import type { ByteReader } from "./byte-reader.js";
import type { HeaderFormat, ImageSize } from "./header-format.js";
import { nextSegment } from "./jpeg-markers.js";

function size(reader: ByteReader): ImageSize {
  let at = 2;
  for (;;) {
    at = nextSegment(reader, at);
    const marker = reader.u8(at++);
    if (marker === 0xd9 || marker === 0xda) reader.fail("corrupt", "has no frame header before its data", at - 2);
    const length = reader.u16(at);
    if (length < 2) reader.fail("corrupt", "has a marker segment without a length", at);
    if (!isFrameMarker(marker)) {
      at += length;
      continue;
    }
    // B.2.2 of ITU-T T.81: length, precision, lines, samples per line.
    const height = reader.u16(at + 3);
    const width = reader.u16(at + 5);
    if (width === 0) reader.fail("corrupt", "announces no columns", at + 5);
    if (height === 0) reader.fail("unsupported", "gives its height only after its data (DNL)", at + 3);
    return { width, height };
  }
}

/** JPEG (ITU-T T.81): a run of marker segments, one of which is the frame header. */
export const jpeg: HeaderFormat = {
  signatures: ["\u00ff\u00d8"],
  size,
};
