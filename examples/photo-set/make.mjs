/**
 * Cuts a folder of JPEGs out of nine photographs, as a set for training and for measuring: `train/<photograph>/…` and
 * `val/<photograph>/…`, about 500 x 375 pixels and 110 KB each, 4:2:0 and 4:4:4, some progressive, some grey. Images of
 * val come from a part of the photograph that no image of train touches. The same counts and seed give the same files.
 *
 *     node examples/photo-set/make.mjs photos/ --train 4000 --val 400 --seed 1
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { cropOf } from "./crops.mjs";
import { encodeCrop } from "./encode-crop.mjs";
import { PHOTOGRAPHS, readPhotograph } from "./photographs.mjs";

/** Written last: a folder that has it is complete. */
const MARKER = ".photo-set.json";
/** The images of `<split>/<photograph>/` that are this program's. */
const IMAGE = /^\d{5,}\.jpg$/u;
/** Images that are made at a time. */
const IN_FLIGHT = 8;

/**
 * How many images to make.
 * @typedef {{ train: number, val: number, seed?: number }} PhotoSetOptions
 */

/**
 * Removes the images of a set that was killed in the making, which may have been larger. Other files stay.
 * @param {string} folder
 */
async function removeImages(folder) {
  for (const split of ["train", "val"]) {
    for (const name of PHOTOGRAPHS) {
      const images = join(folder, split, name);
      const found = await readdir(images).catch(() => []);
      for (const image of found.filter((file) => IMAGE.test(file))) await rm(join(images, image));
    }
  }
}

/**
 * Writes the set, or nothing if the same set is there already.
 * @param {string} folder
 * @param {PhotoSetOptions} options
 * @returns {Promise<boolean>} true if it was written now
 */
export async function makePhotoSet(folder, { train, val, seed = 0 }) {
  const content = JSON.stringify({ train, val, seed });
  const marker = join(folder, MARKER);
  const found = await readFile(marker, "utf8").catch(() => undefined);
  if (found === content) return false;
  if (found !== undefined) throw new Error(`${folder} holds another set, ${found}; name another folder`);
  const photographs = await Promise.all(PHOTOGRAPHS.map(readPhotograph));
  const crops = [
    ...Array.from({ length: train }, (_, i) => cropOf("train", i, seed, photographs)),
    ...Array.from({ length: val }, (_, i) => cropOf("val", i, seed, photographs)),
  ];
  await removeImages(folder);
  for (const split of ["train", "val"])
    for (const name of PHOTOGRAPHS) await mkdir(join(folder, split, name), { recursive: true });
  sharp.concurrency(1);
  for (let start = 0; start < crops.length; start += IN_FLIGHT) {
    await Promise.all(
      crops.slice(start, start + IN_FLIGHT).map(async (crop) => {
        const photograph = photographs[crop.photograph];
        if (photograph !== undefined) await writeFile(join(folder, crop.path), await encodeCrop(crop, photograph));
      }),
    );
  }
  await writeFile(marker, content);
  return true;
}

/**
 * @param {string | undefined} text
 * @returns {number | undefined}
 */
function count(text) {
  return text !== undefined && /^\d{1,9}$/u.test(text) ? Number(text) : undefined;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      train: { type: "string", default: "4000" },
      val: { type: "string", default: "400" },
      seed: { type: "string", default: "0" },
    },
  });
  const [folder] = positionals;
  const [train, val, seed] = [count(values.train), count(values.val), count(values.seed)];
  if (folder === undefined || train === undefined || val === undefined || seed === undefined) {
    process.stderr.write("usage: node examples/photo-set/make.mjs <folder> [--train N] [--val N] [--seed N]\n");
    process.exitCode = 2;
    return;
  }
  try {
    await makePhotoSet(folder, { train, val, seed });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
