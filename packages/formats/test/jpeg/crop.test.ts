import {
  assembleJpegCrop,
  CorruptShardError,
  decodeJpegSegments,
  JpegCrop,
  JpegSegments,
  OptionError,
  planJpegCrop,
  transcodeSeekable,
  type JpegBox,
} from "@millrace/formats";
import { describe, expect, it } from "vitest";
import { cut, decode, photo, random } from "./photos.js";

interface Seekable {
  readonly bytes: Uint8Array;
  readonly index: Uint8Array;
}

function seekable(source: Uint8Array): Seekable {
  const result = transcodeSeekable(source);
  if (result.kind === "refused") throw new Error(`${result.reason}: ${result.problem}`);
  return result;
}

function segmentsOf({ index }: Seekable): JpegSegments {
  const segments = new JpegSegments();
  expect(decodeJpegSegments(index, 0, index.length, segments, "a.h5", 3)).toBe(true);
  return segments;
}

function assemble({ bytes }: Seekable, segments: JpegSegments, box: JpegBox): { crop: JpegCrop; small: Uint8Array } {
  const crop = new JpegCrop();
  planJpegCrop(segments, box, bytes.length, crop);
  const small = new Uint8Array(crop.byteLength);
  expect(assembleJpegCrop(segments, crop, bytes, crop.headerStart, crop.dataStart, small, 0)).toBe(small.length);
  return { crop, small };
}

function decoded(index: Uint8Array): boolean {
  return decodeJpegSegments(index, 0, index.length, new JpegSegments(), "a.h5", 3);
}

describe("planJpegCrop and assembleJpegCrop", () => {
  it.each([
    ["4:2:0", { chromaSubsampling: "4:2:0" }],
    ["4:4:4", { chromaSubsampling: "4:4:4" }],
    ["progressive", { progressive: true }],
    ["grey", { grey: true }],
  ])("give a JPEG whose pixels are those of the whole image, %s", async (_, options) => {
    const made = seekable(await photo(1, 203, 149, options));
    const segments = segmentsOf(made);
    const whole = await decode(made.bytes);
    const next = random(7);
    for (let i = 0; i < 12; i++) {
      const width = 1 + Math.floor(next() * 203);
      const height = 1 + Math.floor(next() * 149);
      const box = { left: Math.floor(next() * (204 - width)), top: Math.floor(next() * (150 - height)), width, height };
      const { crop, small } = assemble(made, segments, box);
      const image = await decode(small);
      expect([image.width, image.height]).toEqual([crop.width, crop.height]);
      expect(cut(image, crop.left, crop.top, width, height).equals(cut(whole, box.left, box.top, width, height))).toBe(
        true,
      );
    }
  });

  it("need only the header and the rows of the box", async () => {
    const made = seekable(await photo(2, 320, 320));
    const segments = segmentsOf(made);
    const box = { left: 100, top: 120, width: 60, height: 50 };
    const { crop, small } = assemble(made, segments, box);
    const read = new Uint8Array(2000 + crop.headerEnd - crop.headerStart + crop.dataEnd - crop.dataStart);
    read.set(made.bytes.subarray(crop.headerStart, crop.headerEnd), 500);
    const dataAt = 600 + crop.headerEnd - crop.headerStart;
    read.set(made.bytes.subarray(crop.dataStart, crop.dataEnd), dataAt);
    const into = new Uint8Array(new SharedArrayBuffer(crop.byteLength + 10));
    expect(assembleJpegCrop(segments, crop, read, 500, dataAt, into, 10)).toBe(crop.byteLength);
    expect(Buffer.from(into.subarray(10)).equals(small)).toBe(true);
    expect(crop.dataEnd - crop.dataStart).toBeLessThan(made.bytes.length / 3);
  });

  it("work inside of one array", async () => {
    const made = seekable(await photo(3, 200, 100));
    const segments = segmentsOf(made);
    const { crop, small } = assemble(made, segments, { left: 30, top: 10, width: 40, height: 40 });
    const region = new Uint8Array(made.bytes.length + crop.byteLength);
    region.set(made.bytes);
    assembleJpegCrop(segments, crop, region, crop.headerStart, crop.dataStart, region, made.bytes.length);
    expect(Buffer.from(region.subarray(made.bytes.length)).equals(small)).toBe(true);
  });

  it.each([
    [{ left: -1, top: 0, width: 5, height: 5 }],
    [{ left: 0, top: 0, width: 0, height: 5 }],
    [{ left: 0, top: 0.5, width: 5, height: 5 }],
    [{ left: 100, top: 0, width: 101, height: 5 }],
    [{ left: 0, top: 0, width: 5, height: Number.NaN }],
  ])("refuse the box %o of an image of 200 x 100", async (box) => {
    const made = seekable(await photo(3, 200, 100));
    const plan = (): void => planJpegCrop(segmentsOf(made), box, made.bytes.length, new JpegCrop());
    expect(plan).toThrow(OptionError);
  });

  it("refuse too little room", async () => {
    const made = seekable(await photo(3, 200, 100));
    const segments = segmentsOf(made);
    const crop = new JpegCrop();
    planJpegCrop(segments, { left: 0, top: 0, width: 9, height: 9 }, made.bytes.length, crop);
    const into = new Uint8Array(crop.byteLength - 1);
    const assembled = (bytes: Uint8Array, room: Uint8Array): number =>
      assembleJpegCrop(segments, crop, bytes, crop.headerStart, crop.dataStart, room, 0);
    expect(() => assembled(made.bytes, into)).toThrow(/into: is too short/u);
    expect(() => assembled(made.bytes.subarray(0, 300), new Uint8Array(9000))).toThrow(/bytes: is too short/u);
  });
});

describe("an index that lies", () => {
  const box = { left: 60, top: 30, width: 60, height: 60 };

  it("never gives other pixels: each changed byte is refused, or the crop is the same", async () => {
    const made = seekable(await photo(5, 200, 120));
    const { small } = assemble(made, segmentsOf(made), box);
    let refused = 0;
    for (let at = 0; at < made.index.length; at++) {
      for (const flip of [1, 128]) {
        const index = Uint8Array.from(made.index);
        index[at] = (index[at] as number) ^ flip;
        try {
          const lying = { bytes: made.bytes, index };
          expect(Buffer.from(assemble(lying, segmentsOf(lying), box).small).equals(small)).toBe(true);
        } catch (error) {
          if (!(error instanceof CorruptShardError)) throw error;
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(1.9 * made.index.length);
  });

  it("of another image of the same size is refused", async () => {
    const [a, b] = [seekable(await photo(5, 200, 120)), seekable(await photo(6, 200, 120))];
    const crop = new JpegCrop();
    expect(() => planJpegCrop(segmentsOf(b), box, a.bytes.length, crop)).toThrow(
      /sample 3: the index .* end with its record/u,
    );
    planJpegCrop(segmentsOf(b), box, b.bytes.length, crop);
    const record = new Uint8Array(b.bytes.length);
    record.set(a.bytes.subarray(0, record.length));
    const assembled = (): number =>
      assembleJpegCrop(segmentsOf(b), crop, record, crop.headerStart, crop.dataStart, new Uint8Array(99999), 0);
    expect(assembled).toThrow(CorruptShardError);
  });

  it("too short or of an unknown kind is refused", async () => {
    const { index } = seekable(await photo(5, 200, 120));
    for (let length = 1; length < index.length; length++)
      expect(() => decoded(index.subarray(0, length))).toThrow(CorruptShardError);
    expect(() => decoded(Uint8Array.from(index, (byte, i) => (i === 0 ? 7 : byte)))).toThrow(/unknown kind/u);
    expect(decoded(index.subarray(0, 0))).toBe(false);
  });
});
