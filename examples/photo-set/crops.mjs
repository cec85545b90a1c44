import { createHash } from "node:crypto";
import { PHOTOGRAPHS } from "./photographs.mjs";

/**
 * One image of the set, as a recipe.
 * @typedef {object} Crop
 * @property {string} path - relative to the set: `train/black-canyon/00003.jpg`
 * @property {number} photograph - index into `PHOTOGRAPHS`
 * @property {Box} box - what is cut out of the photograph
 * @property {number} width - of the image
 * @property {number} height - of the image
 * @property {boolean} isGrey
 * @property {boolean} isProgressive
 * @property {"4:2:0" | "4:4:4"} chromaSubsampling
 * @property {number} quality
 * @property {number} grain - where in the noise its grain begins, 0..1
 */

/**
 * A rectangle in pixels.
 * @typedef {{ left: number, top: number, width: number, height: number }} Box
 */

/** Pixels between the region of train and that of val: more than the reach of the resampling. */
const GAP = 16;

/**
 * The part of a photograph that the images of a split are cut from: the beginning of its longer side for train, the
 * end for val, nothing in common.
 * @param {"train" | "val"} split
 * @param {{ width: number, height: number }} photograph
 * @returns {Box}
 */
export function regionOf(split, { width, height }) {
  const isWide = width >= height;
  const long = isWide ? width : height;
  const end = Math.floor(long * 0.52);
  const from = split === "train" ? 0 : end + GAP;
  const extent = split === "train" ? end : long - from;
  return isWide ? { left: from, top: 0, width: extent, height } : { left: 0, top: from, width, height: extent };
}

/**
 * Numbers 0..1 that depend on nothing but the text.
 * @param {string} text
 * @returns {() => number}
 */
function randomOf(text) {
  const bytes = createHash("sha512").update(text).digest();
  let offset = 0;
  return () => {
    const value = bytes.readUInt32BE(offset) / 2 ** 32;
    offset += 4;
    return value;
  };
}

/**
 * The recipe of image number `index` of a split: a pure function of its arguments.
 * @param {"train" | "val"} split
 * @param {number} index
 * @param {number} seed
 * @param {readonly { width: number, height: number }[]} sizes - of the photographs
 * @returns {Crop}
 */
export function cropOf(split, index, seed, sizes) {
  const photograph = index % PHOTOGRAPHS.length;
  const random = randomOf(`${seed}/${split}/${index}`);
  /** @type {(from: number, to: number) => number} */
  const whole = (from, to) => from + Math.floor(random() * (to - from + 1));
  const region = regionOf(split, sizes[photograph] ?? { width: 0, height: 0 });
  const width = whole(480, 520);
  const height = whole(360, 390);
  const boxWidth = Math.min(whole(340, 480), region.width);
  const boxHeight = Math.min(Math.round((boxWidth * height) / width), region.height);
  const box = {
    left: region.left + whole(0, region.width - boxWidth),
    top: region.top + whole(0, region.height - boxHeight),
    width: boxWidth,
    height: boxHeight,
  };
  return {
    path: `${split}/${PHOTOGRAPHS[photograph]}/${String(index).padStart(5, "0")}.jpg`,
    photograph,
    box,
    width,
    height,
    isGrey: random() < 0.1,
    isProgressive: random() < 0.15,
    chromaSubsampling: random() < 0.65 ? "4:2:0" : "4:4:4",
    quality: whole(94, 98),
    grain: random(),
  };
}
