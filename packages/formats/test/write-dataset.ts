import { createDataset, type FormatName, type Sample, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";

/** Writes a dataset of one split, `train`, and of one shard, and returns its folder. */
export async function writeDataset(format: FormatName, schema: Schema, samples: Iterable<Sample>): Promise<string> {
  const root = join(tempDir(), "shards");
  const writer = await createDataset(root, { schema, format });
  for (const sample of samples) await writer.write(sample);
  await writer.finish();
  return root;
}
