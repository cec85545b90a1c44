import sharp, { type JpegOptions } from "sharp";

/** A source of random numbers from 0 to 1 that gives the same ones for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Pixels like those of a photograph: slow changes of colour, edges and grain. uint8 `[height, width, channels]`. */
export function photoPixels(seed: number, width: number, height: number, channels: number): Uint8Array {
  const next = random(seed);
  const waves = Array.from({ length: 4 }, () => [next() * 0.1, next() * 0.1, next() * 6, 20 + 40 * next()] as const);
  const discs = Array.from({ length: 5 }, () => [next() * width, next() * height, next() * width * 0.4, next() * 120]);
  const grain = 4 + 24 * next();
  const pixels = new Uint8Array(width * height * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let light = 110 + grain * (next() - 0.5);
      for (const [fx, fy, phase, strength] of waves) light += strength * Math.sin(fx * x + fy * y + phase);
      for (const [cx = 0, cy = 0, radius = 0, step = 0] of discs)
        if ((x - cx) ** 2 + (y - cy) ** 2 < radius ** 2) light += step - 60;
      for (let c = 0; c < channels; c++) pixels[at++] = Math.max(0, Math.min(255, light + 30 * Math.sin(c + x / 40)));
    }
  }
  return pixels;
}

/** A JPEG of such pixels, as sharp writes it. */
export async function photo(
  seed: number,
  width: number,
  height: number,
  options: JpegOptions & { readonly grey?: boolean } = {},
): Promise<Uint8Array> {
  const { grey = false, ...jpeg } = options;
  const channels = grey ? 1 : 3;
  const image = sharp(photoPixels(seed, width, height, channels), { raw: { width, height, channels } });
  return new Uint8Array(await image.jpeg({ quality: 85, ...jpeg }).toBuffer());
}

/** A decoded image. */
export interface Decoded {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Decodes by sharp without any conversion of colours. */
export async function decode(bytes: Uint8Array): Promise<Decoded> {
  const { data, info } = await sharp(bytes, { failOn: "warning" }).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** The pixels of a box. */
export function cut(image: Decoded, left: number, top: number, width: number, height: number): Buffer {
  const { data, channels } = image;
  const rows = Array.from({ length: height }, (_, y) => {
    const at = ((top + y) * image.width + left) * channels;
    return data.subarray(at, at + width * channels);
  });
  return Buffer.concat(rows);
}
