import { openLoader, centerCrop, normalize } from "@millrace/loader";
import { profile, formatReport } from "@millrace/train";

const step = async (): Promise<void> => {};
const loader = await openLoader("shards/", {
  split: "train",
  batchSize: 64,
  transforms: [centerCrop(224), normalize()],
});

console.log(formatReport(await profile({ loader, step, steps: 200 })));
await loader.close();
