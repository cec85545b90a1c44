import { expect, it } from "vitest";
import { makeDataset } from "./make-dataset.js";
import { runChild } from "./run-child.js";

/** Takes 10,000 batches and prints by how many bytes heap and process grew over the last 8,000 of them. */
const PROGRAM = `
  import { normalize, openLoader } from "@millrace/loader";
  import { setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const weigh = () => {
    collect();
    return { heap: process.memoryUsage().heapUsed, process: process.memoryUsage.rss() };
  };
  const mean = [0.5, 0.5, 0.5];
  const transforms = [normalize({ mean, std: mean })];
  const loader = await openLoader(process.argv[1], { batchSize: 32, numWorkers: 2, transforms });
  let batches = 0;
  let before;
  while (batches < 10_000)
    for await (const batch of loader) {
      if (batch.fields.image.data.length === 0) break;
      if (++batches === 2000) before = weigh();
      if (batches === 10_000) break;
    }
  const after = weigh();
  await loader.close();
  console.log(JSON.stringify({ heap: after.heap - before.heap, process: after.process - before.process }));`;

it("nothing grows over 10,000 batches, neither the heap nor the process", async () => {
  const { path } = await makeDataset({ samples: 16_000, side: 8, samplesPerShard: 4000 });
  const { code, stdout, stderr } = await runChild(PROGRAM, path);
  expect([code, stderr]).toEqual([0, ""]);
  const grown = JSON.parse(stdout) as { heap: number; process: number };
  // Less than a hundred bytes a batch, of which there are about a thousand in what a batch is made of.
  expect(grown.heap).toBeLessThan(800_000);
  expect(grown.process).toBeLessThan(2 ** 25);
});
