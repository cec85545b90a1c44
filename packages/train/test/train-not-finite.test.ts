import { evaluate, createModel, readCheckpoint, train } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { onBackend } from "./backends/on-backend.js";
import { millraceError } from "./rejection.js";
import { endsOf, poison, poisoned, POISONS, SIZE } from "./training/poisoned.js";

// ReLU and max pooling of wasm make a number of a NaN, so that no loss tells.
describe.each(["wasm", "cpu"] as const)("on %s a run ends at the update that breaks the weights, for", (name) => {
  const poisons = name === "cpu" ? POISONS.filter(({ isCheap }) => isCheap) : POISONS;
  it.each(poisons)("$what", async (one) => {
    expect(await onBackend(name, async (backend) => await poison(backend, one))).toEqual(endsOf(one));
  });
});

it.each(["wasm", "cpu"] as const)(
  "on %s a NaN in the validation split is told as such, and saves the epoch",
  async (name) => {
    const dir = tempDir();
    await onBackend(name, async (backend) => {
      const model = createModel("lenet", { classes: 3, inputShape: [SIZE, SIZE, 1] });
      const validation = poisoned(3, 1, Number.NaN);
      const before = backend.tf.memory().numTensors;
      const checkpoint = { dir, everyEpochs: 5 };
      const options = {
        backend,
        model,
        sampleKeys: async (indices: readonly number[]) => await Promise.resolve(indices.map(() => "cat.jpg")),
      };
      const error = await millraceError(
        train({ ...options, loader: poisoned(2, -1, 0), validation, epochs: 2, checkpoint }),
      );
      expect([error.code, error.detail.reason]).toEqual(["BACKEND", "EVALUATION_NOT_FINITE"]);
      expect(error.message).toMatch(
        /^the (loss is NaN|images are not finite) in step 1 of the validation, in the batch of the samples 2, 3 of its split; .*; step 2 is saved, to be resumed from/u,
      );
      expect((await millraceError(evaluate({ backend, model, loader: validation }))).message).toContain(
        "of the evaluation,",
      );
      expect(backend.tf.memory().numTensors).toBe(before);
      model.dispose();
    });
    expect(await readCheckpoint(dir)).toMatchObject({
      step: 2,
      epochs: [],
      running: { epoch: 0, steps: 2, samples: 4 },
    });
  },
);
