/** Data sets of any number of samples, whose shards are all the same file under other names. */
import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createDataset, indexPathOf, readManifest, writeManifest } from "../../packages/formats/dist/index.js";

/** Samples of a shard. */
export const SHARD = 1000;
const SIDE = 224;

/** Writes the one shard: pixels of 224 x 224, labels and keys. @param {string} root */
export async function makeShard(root) {
  const fields = [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [SIDE, SIDE, 3] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "key", kind: "string" },
  ];
  const writer = await createDataset(root, { schema: { fields }, format: "hdf5", samplesPerShard: SHARD });
  const image = new Uint8Array(SIDE * SIDE * 3);
  for (let i = 0; i < SHARD; i++) {
    image.fill(i & 255);
    await writer.write(
      new Map([
        ["image", image],
        ["label", Int32Array.of(i % 10)],
        ["key", `k/${i}`],
      ]),
    );
  }
  await writer.finish();
}

/** A data set of `samples`, a multiple of 1000, out of the shard of `from`. @param {string} from @param {string} root */
export async function makeSynthetic(from, root, samples) {
  const manifest = await readManifest(from);
  const [split] = manifest.splits;
  const [shard] = split.shards;
  mkdirSync(join(root, split.name), { recursive: true });
  const shards = Array.from({ length: samples / SHARD }, (_, number) => {
    const path = shard.path.replace(/\d+(?=\.)/u, String(number).padStart(5, "0"));
    linkSync(join(from, shard.path), join(root, path));
    linkSync(join(from, indexPathOf(shard.path)), join(root, indexPathOf(path)));
    return { ...shard, path };
  });
  await writeManifest(root, { ...manifest, splits: [{ ...split, samples, shards }] });
}
