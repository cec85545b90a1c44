import { createDecoder, imageHeader, type Pixels } from "@millrace/image";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import {
  everyEncoding,
  greyPhoto,
  HEIGHT,
  photo,
  photoPixels,
  tripled,
  WIDTH,
  worstDifference,
} from "./sample-images.js";

const decoder = createDecoder();
const decode = async (bytes: Uint8Array, options = {}): Promise<Pixels> => decoder.decode(bytes, options);

const frame = async (background: string): Promise<Buffer> =>
  sharp({ create: { width: 4, height: 4, channels: 3, background } })
    .png()
    .toBuffer();

/** Mean error in levels that an encoding may add to the photo. */
function allowedError(name: string): number {
  if (/^png$|interlaced|lossless|^tiff/u.test(name)) return 0;
  return /cmyk|palette|gif/u.test(name) ? 25 : 6;
}

describe("decoding gives three channels of uint8", () => {
  it("for every encoding, close to the source, in the size that the header announces", async () => {
    const source = photoPixels();
    for (const [name, bytes] of await everyEncoding()) {
      const header = imageHeader(bytes);
      expect([name, header.width, header.height]).toEqual([name, WIDTH, HEIGHT]);
      expect(name.split(" ")[0]).toBe(header.encoding);
      const pixels = await decode(bytes);
      expect([name, pixels.width, pixels.height, pixels.channels]).toEqual([name, WIDTH, HEIGHT, 3]);
      expect(pixels.data).toBeInstanceOf(Uint8Array);
      expect(Buffer.isBuffer(pixels.data)).toBe(false);
      const error = pixels.data.reduce((sum, level, i) => sum + Math.abs(level - (source[i] as number)), 0);
      expect([name, error / source.length <= allowedError(name)]).toEqual([name, true]);
    }
  });

  it("for grey, level by level", async () => {
    const { levels, image } = await greyPhoto();
    const png = await image.png().toBuffer();
    expect((await sharp(png).metadata()).channels).toBe(1);
    expect(worstDifference((await decode(png)).data, tripled(levels))).toBe(0);
    const jpeg = await image.jpeg({ quality: 100 }).toBuffer();
    expect(worstDifference((await decode(jpeg)).data, tripled(levels))).toBeLessThanOrEqual(3);
  });

  it("for 16 bits, by their upper half", async () => {
    const colour = await photo().toColourspace("rgb16").png().toBuffer();
    expect((await sharp(colour).metadata()).depth).toBe("ushort");
    expect(worstDifference((await decode(colour)).data, photoPixels())).toBeLessThanOrEqual(1);
    const { levels, image } = await greyPhoto();
    const grey = await image.toColourspace("grey16").png().toBuffer();
    expect((await sharp(grey).metadata()).depth).toBe("ushort");
    expect(worstDifference((await decode(grey)).data, tripled(levels))).toBeLessThanOrEqual(1);
  });

  it("for 1 bit, black and white", async () => {
    const { image } = await greyPhoto();
    const bits = await image.threshold(128).toColourspace("b-w").tiff({ bitdepth: 1 }).toBuffer();
    const { data, channels } = await decode(bits);
    expect(channels).toBe(3);
    expect(new Set(data)).toEqual(new Set([0, 255]));
  });

  it("for a palette, its colours", async () => {
    const four = Buffer.from([0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 255]);
    const png = await sharp(four, { raw: { width: 2, height: 2, channels: 3 } })
      .png({ palette: true })
      .toBuffer();
    const colourType = 25;
    expect(png[colourType]).toBe(3);
    expect([...(await decode(png)).data]).toEqual([...four]);
  });

  it("for alpha, flattened on black", async () => {
    const rgba = Buffer.from([200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0, 9, 9, 9, 0]);
    const png = await sharp(rgba, { raw: { width: 2, height: 2, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decode(png)).data]).toEqual([200, 100, 50, 100, 50, 25, 0, 0, 0, 0, 0, 0]);
    const greyAlpha = Buffer.from([200, 255, 200, 128, 200, 0, 9, 0]);
    const grey = await sharp(greyAlpha, { raw: { width: 2, height: 2, channels: 2 } })
      .png()
      .toBuffer();
    expect([...(await decode(grey)).data]).toEqual([200, 200, 200, 100, 100, 100, 0, 0, 0, 0, 0, 0]);
  });

  it("for CMYK, converted and not inverted", async () => {
    const orange = sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 100, b: 50 } } });
    for (const bytes of [
      await orange.clone().toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer(),
      await orange.clone().toColourspace("cmyk").tiff().toBuffer(),
    ]) {
      expect((await sharp(bytes).metadata()).space).toBe("cmyk");
      expect(worstDifference([...(await decode(bytes)).data.subarray(0, 3)], [200, 100, 50])).toBeLessThan(40);
    }
  });

  it("for an animation, its first frame", async () => {
    const frames = [await frame("#f00"), await frame("#0f0"), await frame("#00f")];
    for (const bytes of [
      await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
      await sharp(frames, { join: { animated: true } })
        .webp({ lossless: true })
        .toBuffer(),
    ]) {
      expect((await sharp(bytes).metadata()).pages).toBe(3);
      const pixels = await decode(bytes);
      expect([pixels.width, pixels.height]).toEqual([4, 4]);
      expect([...pixels.data.subarray(0, 3)]).toEqual([255, 0, 0]);
    }
  });
});

/** Where pixel (x, y) of the upright image stands in the stored one, for each EXIF orientation (TIFF 6.0, tag 274). */
const STORED_AT: Record<number, (x: number, y: number) => [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y) => [WIDTH - 1 - x, y],
  3: (x, y) => [WIDTH - 1 - x, HEIGHT - 1 - y],
  4: (x, y) => [x, HEIGHT - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y) => [y, HEIGHT - 1 - x],
  7: (x, y) => [WIDTH - 1 - y, HEIGHT - 1 - x],
  8: (x, y) => [WIDTH - 1 - y, x],
};

it.each([1, 2, 3, 4, 5, 6, 7, 8])("EXIF orientation %i is applied", async (orientation) => {
  const stored = photoPixels();
  const bytes = await photo().withMetadata({ orientation }).png().toBuffer();
  const upright = await decode(bytes);
  const [width, height] = orientation > 4 ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
  expect([upright.width, upright.height]).toEqual([width, height]);
  let wrong = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [sx, sy] = (STORED_AT[orientation] as (x: number, y: number) => [number, number])(x, y);
      for (let c = 0; c < 3; c++)
        if (upright.data[(y * width + x) * 3 + c] !== stored[(sy * WIDTH + sx) * 3 + c]) wrong++;
    }
  }
  expect(wrong).toBe(0);
  expect(imageHeader(bytes)).toEqual({ encoding: "png", width: WIDTH, height: HEIGHT });
});

describe("the options of decode", () => {
  it("channels: 1 gives grey, unchanged where the image is grey", async () => {
    const { levels, image } = await greyPhoto();
    const pixels = await decode(await image.png().toBuffer(), { channels: 1 });
    expect([pixels.channels, worstDifference(pixels.data, levels)]).toEqual([1, 0]);
    const fromColour = await decode(await photo().png().toBuffer(), { channels: 1 });
    expect([fromColour.channels, worstDifference(fromColour.data, levels)]).toEqual([1, 0]);
  });

  it("into takes the pixels, in shared memory too, and its rest stays as it was", async () => {
    const into = new Uint8Array(new SharedArrayBuffer(WIDTH * HEIGHT * 3 + 5)).fill(7);
    const pixels = await decode(await photo().png().toBuffer(), { into });
    expect(pixels.data.buffer).toBe(into.buffer);
    expect(worstDifference(pixels.data, photoPixels())).toBe(0);
    expect([...into.subarray(WIDTH * HEIGHT * 3)]).toEqual([7, 7, 7, 7, 7]);
  });

  it("bytes may lie in shared memory", async () => {
    const png = await photo().png().toBuffer();
    const shared = new Uint8Array(new SharedArrayBuffer(png.length));
    shared.set(png);
    expect(worstDifference((await decode(shared)).data, photoPixels())).toBe(0);
  });

  it.each([
    ["into", { into: new Uint8Array(10) }],
    ["maxPixels", { maxPixels: 0 }],
    ["maxPixels", { maxPixels: Number.NaN }],
    ["channels", { channels: 4 }],
  ])("an impossible %s is refused", async (option, options) => {
    const png = await photo().png().toBuffer();
    await expect(decode(png, options)).rejects.toMatchObject({ code: "OPTION", detail: { option } });
  });

  it("an unknown decoder is refused", () => {
    expect(() => createDecoder({ decoder: "magick" as "sharp" })).toThrow(
      /option decoder.*auto \| turbo \| wasm \| sharp.*magick/u,
    );
  });
});
