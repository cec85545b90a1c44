import { convert } from "@millrace/ingest";
import { openLoader, randomResizedCrop, horizontalFlip, normalize, shuffle, type Batch } from "@millrace/loader";

function step(batch: Batch): void {
  console.log(batch.size, batch.fields.image?.dtype, batch.fields.image?.shape.join("x"));
}

await convert({ source: "photos/", out: "shards/", format: "hdf5", size: 256 });
const loader = await openLoader("shards/", {
  split: "train",
  batchSize: 64,
  order: shuffle({ seed: 7 }),
  transforms: [randomResizedCrop(224), horizontalFlip(), normalize()],
});
for await (const batch of loader.epoch(0)) step(batch);
await loader.close();
