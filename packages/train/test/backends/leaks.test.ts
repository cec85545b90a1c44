import type { BackendName, TensorFlow } from "@millrace/train";
import { count } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { onBackend, tensorflowSkip } from "./on-backend.js";
import { startSmallTraining } from "./train-small.js";

const STEPS = count(200, 10_000);
/** Steps after which memory no longer grows: pools and the engine's code have been made. */
const SETTLED = 1000;
/** Room for what is not yet collected, in bytes; one activation of this model left at each step would take 110 MB. */
const SLACK_BYTES = 64 * 2 ** 20;

/** Tensors of TensorFlow.js, and where the backend counts them itself, its own and its memory. */
function usage(tf: TensorFlow): number[] {
  const backend = tf.backend() as { getNumOfTFTensors?(): number; wasm?: { HEAPU8: Uint8Array } };
  return [tf.engine().state.numTensors, backend.getNumOfTFTensors?.() ?? 0, backend.wasm?.HEAPU8.length ?? 0];
}

interface Usage {
  readonly before: number[];
  readonly after: number[];
  readonly left: number;
  /** Of the process's memory, from {@link SETTLED} steps on; 0 in a shorter run. */
  readonly grownBytes: number;
}

async function train(name: BackendName, steps: number): Promise<Usage> {
  return onBackend(name, async (backend) => {
    const { tf } = backend;
    const training = startSmallTraining(backend);
    for (let step = 0; step < 3; step++) await training.step();
    const before = usage(tf);
    let settledBytes = Number.POSITIVE_INFINITY;
    for (let step = 0; step < steps; step++) {
      await training.step();
      if (step === SETTLED) settledBytes = process.memoryUsage.rss();
    }
    const grownBytes = Math.max(0, process.memoryUsage.rss() - settledBytes);
    const after = usage(tf);
    training.dispose();
    await backend.close();
    return { before, after, grownBytes, left: tf.engine().state.numTensors };
  });
}

describe("training leaves no tensor behind, and takes no more memory with every step,", () => {
  it(`in ${STEPS} steps on wasm`, async () => {
    const { before, after, left, grownBytes } = await train("wasm", STEPS);
    expect(grownBytes).toBeLessThan(SLACK_BYTES);
    expect(after).toEqual(before);
    expect(left).toBe(0);
  });

  const onTensorflow = count(50, 10_000);
  it.skipIf(tensorflowSkip)(`in ${onTensorflow} steps on tensorflow`, async () => {
    const { before, after, left, grownBytes } = await train("tensorflow", onTensorflow);
    expect(grownBytes).toBeLessThan(SLACK_BYTES);
    expect(after).toEqual(before);
    expect(left).toBe(0);
  });

  it("on cpu", async () => {
    const { before, after, left } = await train("cpu", count(10, 200));
    expect(after).toEqual(before);
    expect(left).toBe(0);
  });
});
