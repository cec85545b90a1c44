import { bindOrder, openLoader, shuffle, type LoaderState } from "@millrace/loader";
import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { makeDataset } from "./make-dataset.js";

const LENGTH = 101;

/** One process's life: opens from a state, takes some batches, leaves. */
const sessions = fc.array(
  fc.record({
    numWorkers: fc.integer({ min: 0, max: 3 }),
    batchSize: fc.integer({ min: 1, max: 40 }),
    prefetchDepth: fc.integer({ min: 1, max: 5 }),
    batches: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 2, maxLength: 6 },
);

it("a run that is left and resumed again and again, always with other workers and batches, visits what one run visits", async () => {
  const { path, pixelsOf } = await makeDataset({ samples: LENGTH, format: "hdf5", samplesPerShard: 13 });
  const order = bindOrder(shuffle({ seed: 2 }), LENGTH);
  await fc.assert(
    fc.asyncProperty(sessions, async (list) => {
      let state: LoaderState | undefined;
      const seen: number[] = [];
      for (const { batches, ...options } of list) {
        const loader = await openLoader(path, { ...options, order: shuffle({ seed: 2 }), state });
        let left = batches;
        while (left > 0) {
          for await (const batch of loader) {
            for (const [place, sample] of batch.indices.entries()) {
              const pixels = batch.fields["image"]?.data.subarray(place * 48, place * 48 + 48) as Uint8Array;
              expect(Buffer.compare(Uint8Array.from(pixels), pixelsOf(sample))).toBe(0);
            }
            seen.push(...batch.indices);
            if (--left === 0) break;
          }
        }
        state = JSON.parse(JSON.stringify(loader.state())) as LoaderState;
        await loader.close();
      }
      const expected = seen.map((_, at) => order.at(Math.floor(at / LENGTH), at % LENGTH));
      expect(seen).toEqual(expected);
    }),
    { numRuns: 12, seed: SEED },
  );
});
