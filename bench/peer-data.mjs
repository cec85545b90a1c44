/** The data sets and the transforms of the cases of `bench/peer-case.mjs`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as formats from "../packages/formats/dist/index.js";
import { convert, CONVERT_MODES } from "../packages/ingest/dist/index.js";
import { horizontalFlip, normalize, randomCrop, randomResizedCrop } from "../packages/loader/dist/index.js";

/** The peers' numbers. */
const floats = () => normalize({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
const train = () => [randomResizedCrop(224), horizontalFlip()];
const crop = () => [randomCrop(224), horizontalFlip()];

/** For each task how its data set is made, and what happens to each image. */
export const TASKS = new Map([
  ["raw224/f32", { name: "raw224", options: { size: 224 }, transforms: [floats()] }],
  ["raw224/u8", { name: "raw224", options: { size: 224 }, transforms: [] }],
  ["raw256crop/f32", { name: "raw256", options: { size: 256 }, transforms: [...crop(), floats()] }],
  ["raw256crop/u8", { name: "raw256", options: { size: 256 }, transforms: crop() }],
  ["rawfull-rrc/f32", { name: "rawfull", options: { mode: "raw" }, transforms: [...train(), floats()] }],
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
  const source = join(data, "train");
  if (!isSeekable) await convert({ source, out: root, format, ...task.options });
  else if (CONVERT_MODES.includes("seekable")) await convert({ source, out: root, format, mode: "seekable" });
  else await makeSeekable(await prepareCase(task, { data, format, isSeekable: false }), root, format);
  return root;
}

/** Transcodes a data set of JPEGs, one shard, whose sidecar gets the index of their segments. */
async function makeSeekable(from, root, format) {
  const dataset = await formats.openDataset(from);
  const { length } = dataset.split("train");
  const writer = await formats.createDataset(root, { schema: dataset.schema, format, samplesPerShard: length });
  const indexes = [];
  for await (const sample of samplesOf(dataset)) {
    const made = formats.transcodeSeekable(sample.get("image"));
    indexes.push(made.kind === "seekable" ? made.index : new Uint8Array(0));
    const image = made.kind === "seekable" ? made.bytes : sample.get("image");
    await writer.write(new Map([...sample, ["image", image]]));
  }
  await writer.finish();
  const manifest = await formats.readManifest(root);
  const [split] = manifest.splits;
  const [shard] = split.shards;
  const sidecar = formats.indexPathOf(join(root, shard.path));
  const { columns, samples } = await formats.readShardIndex(sidecar);
  const all = new Map([...columns, ...formats.jpegSegmentColumns("image", indexes)]);
  const index = await formats.writeShardIndex(sidecar, { samples, columns: all });
  await formats.writeManifest(root, { ...manifest, splits: [{ ...split, shards: [{ ...shard, index }] }] });
}

async function* samplesOf(dataset) {
  for (const location of dataset.split("train").shards) {
    const shard = await formats.openShard(location);
    for (let row = 0; row < location.samples; row++) yield shard.reader.read(row);
    shard.close();
  }
}
