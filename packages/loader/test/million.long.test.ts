import { bindOrder, openLoader, shuffle } from "@millrace/loader";
import { expect, it } from "vitest";
import { makeDataset } from "./make-dataset.js";
import { transformOf } from "./make-transform.js";

const SAMPLES = 20_000;
const EPOCHS = 50;

/** Most samples take no time, some keep their core busy, a few put their worker to sleep. */
const DELAYS = `
const at = Math.random();
if (at < 0.0005) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3);
else if (at < 0.02) for (const end = performance.now() + at; performance.now() < end;);`;

it("a million samples come once each and in order, however long the workers take for them", async () => {
  const { path, pixelsOf } = await makeDataset({ samples: SAMPLES, side: 1, samplesPerShard: 4096 });
  const reds = Uint8Array.from({ length: SAMPLES }, (_, sample) => pixelsOf(sample)[0] as number);
  const order = shuffle({ seed: 3 });
  const bound = bindOrder(order, SAMPLES);
  await using loader = await openLoader(path, {
    batchSize: 61,
    numWorkers: 3,
    order,
    transforms: [transformOf(DELAYS)],
  });
  let wrong = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    let position = 0;
    for await (const { indices, fields, size } of loader) {
      const pixels = fields["image"]?.data as Uint8Array;
      for (let i = 0; i < size; i++) {
        const sample = bound.at(epoch, position++);
        if (indices[i] !== sample || pixels[3 * i] !== reds[sample]) wrong++;
      }
    }
    expect(position).toBe(SAMPLES);
  }
  expect(wrong).toBe(0);
});
