import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../run-tool.mjs";

/** Enough for a batch of 64 after a tenth has gone to validation. */
const PHOTOS_PER_CLASS = 80;

/**
 * Makes `photos/` in a folder: small JPEGs of two classes, `photos/cat/00.jpg` and so on, that snippets can convert.
 *
 * @param {string} folder
 */
export async function makePhotoFolder(folder) {
  const sharp = createRequire(join(ROOT, "packages", "image", "package.json"))("sharp");
  const classes = ["cat", "dog"];
  for (const [label, name] of classes.entries()) {
    mkdirSync(join(folder, "photos", name), { recursive: true });
    for (let index = 0; index < PHOTOS_PER_CLASS; index++) {
      const background = { r: 3 * index, g: 120 * label, b: 255 - 3 * index };
      const image = sharp({ create: { width: 64, height: 48, channels: 3, background } });
      await image.jpeg().toFile(join(folder, "photos", name, `${String(index).padStart(2, "0")}.jpg`));
    }
  }
}
