import type { BackendName, TensorFlow } from "@millrace/train";
import { count } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { onBackend, tensorflowSkip } from "./on-backend.js";
import { startSmallTraining } from "./train-small.js";

const STEPS = 200;

/** Tensors of TensorFlow.js, and where the backend counts them itself, its own and its memory. */
function usage(tf: TensorFlow): number[] {
  const backend = tf.backend() as { getNumOfTFTensors?(): number; wasm?: { HEAPU8: Uint8Array } };
  return [tf.engine().state.numTensors, backend.getNumOfTFTensors?.() ?? 0, backend.wasm?.HEAPU8.length ?? 0];
}

async function train(name: BackendName, steps: number): Promise<{ before: number[]; after: number[]; left: number }> {
  return onBackend(name, async (backend) => {
    const { tf } = backend;
    const training = startSmallTraining(backend);
    for (let step = 0; step < 3; step++) await training.step();
    const before = usage(tf);
    for (let step = 0; step < steps; step++) await training.step();
    const after = usage(tf);
    training.dispose();
    await backend.close();
    return { before, after, left: tf.engine().state.numTensors };
  });
}

describe("training leaves no tensor behind", () => {
  it(`in ${STEPS} steps on wasm`, async () => {
    const { before, after, left } = await train("wasm", STEPS);
    expect(after).toEqual(before);
    expect(left).toBe(0);
  });

  const onTensorflow = count(50, STEPS);
  it.skipIf(tensorflowSkip)(`in ${onTensorflow} steps on tensorflow`, async () => {
    const { before, after, left } = await train("tensorflow", onTensorflow);
    expect(after).toEqual(before);
    expect(left).toBe(0);
  });

  it("on cpu", async () => {
    const { before, after, left } = await train("cpu", count(10, STEPS));
    expect(after).toEqual(before);
    expect(left).toBe(0);
  });
});
