import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";

/** What a test image looks like. */
export interface ImageFile {
  readonly width?: number;
  readonly height?: number;
  readonly seed?: number;
  readonly kind?: "png" | "jpeg" | "webp" | "gif";
}

/** Pixels `[height, width, 3]` that differ from seed to seed. */
export function pixelsOf({ width = 20, height = 16, seed = 0 }: ImageFile): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + Math.floor(i / 60) * 13 + seed * 31) & 255);
}

/** An encoded image. */
export async function imageBytes(image: ImageFile = {}): Promise<Buffer> {
  const { width = 20, height = 16, kind = "png" } = image;
  return await sharp(pixelsOf(image), { raw: { width, height, channels: 3 } })
    .toFormat(kind)
    .toBuffer();
}

/** Writes a file and the folders above it. */
export function writeFile(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** Writes `perClass` images into a folder for each class; `classes` may be `train/cat`. Returns how many. */
export async function writeClasses(
  root: string,
  classes: readonly string[],
  perClass: number,
  image: ImageFile = {},
): Promise<number> {
  let seed = 0;
  for (const name of classes) {
    for (let i = 0; i < perClass; i++) {
      const extension = image.kind === "jpeg" ? "jpg" : (image.kind ?? "png");
      writeFile(join(root, name, `${i}.${extension}`), await imageBytes({ ...image, seed: seed++ }));
    }
  }
  return seed;
}
