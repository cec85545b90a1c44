import { selectBackend, train, type TrainLoader } from "@millrace/train";
import { expect, it } from "vitest";
import { onBackend, tensorflowSkip } from "./backends/on-backend.js";
import { millraceError } from "./rejection.js";
import { endsOf, poison, POISONS } from "./training/poisoned.js";

const loader: TrainLoader = {
  async *[Symbol.asyncIterator]() {
    yield await Promise.resolve({ size: 1, fields: {} });
  },
};

it.skipIf(tensorflowSkip)("on tensorflow a run ends at the update that breaks the weights", async () => {
  await onBackend("tensorflow", async (backend) => {
    for (const one of POISONS) expect(await poison(backend, one)).toEqual(endsOf(one));
  });
});

// TensorFlow waits ten seconds for memory before it gives up.
it.skipIf(tensorflowSkip)("tensorflow without memory says what helps", async () => {
  await using backend = (await selectBackend("tensorflow")).backend;
  const { tf } = backend;
  const step = (): { loss: number } => ({ loss: tf.tile(tf.ones([1024, 1024]), [4096, 4096]).size });
  const error = await millraceError(train({ backend, loader, model: step, schedule: "constant", epochs: 1 }));
  expect(error.detail.reason).toBe("OUT_OF_MEMORY");
  expect(error.message).toMatch(/step 0 ran out of memory.*OOM when allocating.*lower batchSize/u);
});
