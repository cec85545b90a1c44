/** The data sets and the transforms of the cases of `bench/peer-case.mjs`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { convert } from "../packages/ingest/dist/index.js";
import { horizontalFlip, normalize, randomResizedCrop } from "../packages/loader/dist/index.js";

/** The peers' numbers. */
const floats = () => normalize({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
const train = () => [randomResizedCrop(224), horizontalFlip()];

/** For each task how its data set is made, and what happens to each image. */
export const TASKS = new Map([
  ["raw224/f32", { name: "raw224", options: { size: 224 }, transforms: [floats()] }],
  ["raw224/u8", { name: "raw224", options: { size: 224 }, transforms: [] }],
  ["jpeg-train/f32", { name: "jpeg", options: { mode: "encoded" }, transforms: [...train(), floats()] }],
  ["jpeg-train/u8", { name: "jpeg", options: { mode: "encoded" }, transforms: train() }],
]);

/**
 * Converts what a task needs, unless it is there already.
 * @returns the data set's folder.
 */
export async function prepareCase(task, { data, format, isSeekable }) {
  const name = isSeekable ? `${task.name}-seekable` : task.name;
  const root = join(data, "millrace", `${name}-${format}`);
  if (existsSync(join(root, "dataset.json"))) return root;
  const mode = isSeekable ? { mode: "seekable" } : {};
  await convert({ source: join(data, "train"), out: root, format, ...task.options, ...mode });
  return root;
}
