import { isMillraceError } from "@millrace/formats";
import { IMAGE_ENCODINGS, imageHeader, imageOrientation } from "@millrace/image";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import sharp, { type Sharp } from "sharp";
import { everyEncoding, photo } from "./sample-images.js";

const u16 = (value: number): number[] => [value >> 8, value & 255];
/** A frame header SOF0 of one component. */
const frame = (height: number, width: number): number[] => [
  0xff,
  0xc0,
  0,
  11,
  8,
  ...u16(height),
  ...u16(width),
  1,
  1,
  0x11,
  0,
];
const jpegOf = (...parts: number[][]): Uint8Array => Uint8Array.from([0xff, 0xd8, ...parts.flat()]);

function reasonOf(bytes: Uint8Array): string | undefined {
  try {
    imageHeader(bytes);
    return undefined;
  } catch (error) {
    if (!isMillraceError(error, "IMAGE")) throw error;
    return error.detail.reason;
  }
}

/** True for a header with an encoding and a size, and for a rejection with a reason; any other error is passed on. */
function isSane(bytes: Uint8Array): boolean {
  if (reasonOf(bytes) !== undefined) return true;
  const { encoding, width, height } = imageHeader(bytes);
  return IMAGE_ENCODINGS.includes(encoding) && [width, height].every((side) => Number.isSafeInteger(side) && side >= 1);
}

describe("imageHeader of a JPEG", () => {
  it("passes over segments, fill bytes and stray bytes to the frame header", () => {
    const comment = [0xff, 0xfe, 0, 6, 0xff, 0xc0, 1, 2];
    expect(imageHeader(jpegOf(comment, [0xff, 0xff, 0xff], frame(700, 300).slice(1)))).toEqual({
      encoding: "jpeg",
      width: 300,
      height: 700,
    });
    expect(imageHeader(jpegOf(comment, [7, 8], frame(65_535, 1)))).toMatchObject({ width: 1, height: 65_535 });
  });

  it("is not misled by the thumbnail in its EXIF", async () => {
    const thumbnail = [...jpegOf(frame(9, 9))];
    const exif = [0xff, 0xe1, ...u16(thumbnail.length + 2), ...thumbnail];
    expect(imageHeader(jpegOf(exif, frame(500, 400)))).toMatchObject({ width: 400, height: 500 });
  });

  it("names what is wrong", () => {
    expect(reasonOf(jpegOf(frame(0, 5)))).toBe("unsupported");
    expect(reasonOf(jpegOf(frame(5, 0)))).toBe("corrupt");
    expect(reasonOf(jpegOf([0xff, 0xda, 0, 8]))).toBe("corrupt");
    expect(reasonOf(jpegOf([0xff, 0xd9]))).toBe("corrupt");
    expect(reasonOf(jpegOf([0xff, 0xe0, 0, 1]))).toBe("corrupt");
    expect(reasonOf(jpegOf([0xff, 0xe0, 0xff, 0xff]))).toBe("truncated");
    expect(reasonOf(jpegOf([0xff]))).toBe("truncated");
  });
});

describe("imageHeader", () => {
  it("refuses sizes of zero and headers that lie", async () => {
    const png = await photo().png().toBuffer();
    png.writeUInt32BE(0, 16);
    expect(reasonOf(png)).toBe("corrupt");
    const gif = await photo().gif().toBuffer();
    gif.writeUInt16LE(0, 8);
    expect(reasonOf(gif)).toBe("corrupt");
    const webp = await photo().webp().toBuffer();
    expect(reasonOf(Buffer.from(webp).fill("XXXX", 12, 16))).toBe("corrupt");
    expect(reasonOf(Buffer.from(webp).fill(0, 23, 26))).toBe("corrupt");
  });

  it("refuses TIFF of floats and of 32 bits", async () => {
    const tiff = await photo().tiff({ compression: "none" }).toBuffer();
    const at = tiff.readUInt32LE(4);
    const entry = Array.from({ length: tiff.readUInt16LE(at) }, (_, i) => at + 2 + i * 12);
    const sampleFormat = entry.find((e) => tiff.readUInt16LE(e) === 339) as number;
    const bits = entry.find((e) => tiff.readUInt16LE(e) === 258) as number;
    const floats = Buffer.from(tiff);
    floats.writeUInt16LE(3, sampleFormat + 4 * 2);
    floats.writeUInt32LE(1, sampleFormat + 4);
    expect(reasonOf(floats)).toBe("unsupported");
    const wide = Buffer.from(tiff);
    wide.writeUInt16LE(32, tiff.readUInt32LE(bits + 8));
    expect(reasonOf(wide)).toBe("unsupported");
  });

  it("answers or rejects with a reason for any bytes that begin like an image", async () => {
    const images = [...(await everyEncoding()).values()];
    const property = fc.property(
      fc.nat(images.length - 1),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 12 }),
      fc.nat(2000),
      (which, edits, length) => {
        const bytes = Buffer.from(images[which] as Buffer).subarray(0, 4 + length);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        expect(isSane(bytes)).toBe(true);
      },
    );
    fc.assert(property, { seed: SEED, numRuns: count(3000, 100_000) });
  });

  it("answers or rejects with a reason for any bytes at all", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(isSane(bytes)).toBe(true);
    });
    fc.assert(property, { seed: SEED, numRuns: count(1000, 50_000) });
  });
});

async function orientationOf(from: Sharp, kind: "jpeg" | "png" | "webp" | "gif" | "tiff"): Promise<number | undefined> {
  const bytes = await from.clone().toFormat(kind).toBuffer();
  return imageOrientation(bytes, imageHeader(bytes));
}

describe("the orientation of an image", () => {
  it("is that of its EXIF block, or left to decoding", async () => {
    const image = sharp({ create: { width: 4, height: 2, channels: 3, background: "red" } });
    const turned = image.clone().withMetadata({ orientation: 6 });
    expect(await orientationOf(turned, "jpeg")).toBe(6);
    expect(await orientationOf(turned, "webp")).toBeUndefined();
    for (const kind of ["jpeg", "png", "webp", "gif"] as const) expect(await orientationOf(image, kind)).toBe(1);
    expect(await orientationOf(image, "tiff")).toBeUndefined();
    const jpeg = await image.clone().jpeg().toBuffer();
    expect(imageOrientation(jpeg.subarray(0, 100), imageHeader(jpeg))).toBeUndefined();
  });
});
