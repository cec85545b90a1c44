import {
  assembleJpegCrop,
  decodeJpegSegments,
  JpegCrop,
  JpegSegments,
  planJpegCrop,
  transcodeSeekable,
  type SeekableJpeg,
  type TranscodeOptions,
} from "@millrace/formats";
import { expect } from "vitest";
import { cut, decode, type Decoded } from "./photos.js";

/** Transcodes by WebAssembly and by TypeScript, which must give the same. */
export function transcodeBoth(source: Uint8Array, options: TranscodeOptions = {}): SeekableJpeg {
  const made = transcodeSeekable(source, { ...options, coder: "wasm" });
  const twin = transcodeSeekable(source, { ...options, coder: "plain" });
  expect(twin.kind).toBe(made.kind);
  if (made.kind === "refused" || twin.kind === "refused") expect(twin).toEqual(made);
  else expect(Buffer.compare(made.bytes, twin.bytes) + Buffer.compare(made.index, twin.index)).toBe(0);
  return made;
}

/** Checks the pixels of random crops against those of the whole image, and that the index tells where markers stand. */
export async function expectEveryCrop(
  made: { readonly bytes: Uint8Array; readonly index: Uint8Array },
  whole: Decoded,
  crops: number,
  next: () => number,
  decodeSmall: (bytes: Uint8Array, width: number, height: number) => Promise<Decoded> = decode,
): Promise<void> {
  const segments = new JpegSegments();
  expect(decodeJpegSegments(made.index, 0, made.index.length, segments, "a.h5", 0)).toBe(true);
  expect([segments.width, segments.height]).toEqual([whole.width, whole.height]);
  for (let i = 1; i <= segments.count; i++) {
    const end = segments.starts[i] as number;
    expect(made.bytes[end - 1]).toBe(i === segments.count ? 0xd9 : 0xd0 + ((i - 1) & 7));
  }
  const crop = new JpegCrop();
  for (let i = 0; i < crops; i++) {
    const width = 1 + Math.floor(next() * whole.width);
    const height = 1 + Math.floor(next() * whole.height);
    const left = Math.floor(next() * (whole.width - width + 1));
    const top = Math.floor(next() * (whole.height - height + 1));
    planJpegCrop(segments, { left, top, width, height }, made.bytes.length, crop);
    const small = new Uint8Array(crop.byteLength);
    assembleJpegCrop(segments, crop, made.bytes, crop.headerStart, crop.dataStart, small, 0);
    const image = await decodeSmall(small, crop.width, crop.height);
    expect([image.width, image.height]).toEqual([crop.width, crop.height]);
    expect(cut(image, crop.left, crop.top, width, height).equals(cut(whole, left, top, width, height))).toBe(true);
  }
}
