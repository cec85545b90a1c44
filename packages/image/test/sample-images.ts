import sharp, { type Sharp } from "sharp";

/** Columns and rows of {@link photo}. */
export const WIDTH = 48;
export const HEIGHT = 32;

/** A smooth RGB image with some noise: upright, each corner has its own colour. */
export function photoPixels(): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const ripple = ((x * 7 + y * 13) % 11) - 5;
      const at = (y * WIDTH + x) * 3;
      pixels[at] = 40 + x * 4 + ripple;
      pixels[at + 1] = 30 + y * 6 - ripple;
      pixels[at + 2] = 220 - x * 2 - y * 2 + ripple;
    }
  }
  return pixels;
}

/** {@link photoPixels} as sharp's input. */
export function photo(): Sharp {
  return sharp(photoPixels(), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

/** The photo as raw grey levels and as sharp's input. */
export async function greyPhoto(): Promise<{ levels: Uint8Array; image: Sharp }> {
  const levels = await photo().toColourspace("b-w").raw().toBuffer();
  const image = sharp(levels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).toColourspace("b-w");
  return { levels: new Uint8Array(levels), image };
}

let encoded: Promise<Map<string, Buffer>> | undefined;

/** The photo in every encoding that is decoded; lossless unless the encoding has no such mode. Do not write to it. */
export function everyEncoding(): Promise<Map<string, Buffer>> {
  encoded ??= encodeAll();
  return encoded;
}

async function encodeAll(): Promise<Map<string, Buffer>> {
  const images: [string, Sharp][] = [
    ["jpeg", photo().jpeg({ quality: 95 })],
    ["jpeg 4:4:4 progressive", photo().jpeg({ quality: 95, chromaSubsampling: "4:4:4", progressive: true })],
    ["jpeg cmyk", photo().toColourspace("cmyk").jpeg()],
    ["png", photo().png()],
    ["png interlaced", photo().png({ progressive: true })],
    ["png palette", photo().png({ palette: true })],
    ["webp", photo().webp()],
    ["webp lossless", photo().webp({ lossless: true })],
    ["gif", photo().gif()],
    ["tiff lzw", photo().tiff({ compression: "lzw" })],
    ["tiff tiled", photo().tiff({ compression: "deflate", tile: true })],
    ["tiff uncompressed", photo().tiff({ compression: "none" })],
    ["avif", photo().avif({ effort: 0 })],
  ];
  return new Map(await Promise.all(images.map(async ([name, image]) => [name, await image.toBuffer()] as const)));
}

/** Largest difference between two arrays of one length. */
export function worstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] as number) - (b[i] as number)));
  return worst;
}

/** Each level three times, as RGB has it. */
export function tripled(levels: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: levels.length * 3 }, (_, i) => levels[Math.floor(i / 3)] as number);
}
