import type { BackendName } from "@millrace/train";
import { beforeAll, describe, expect, it } from "vitest";
import { onBackend, tensorflowSkip } from "./on-backend.js";
import { startSmallTraining } from "./train-small.js";

const STEPS = 20;

function losses(name: BackendName): Promise<number[]> {
  return onBackend(name, async (backend) => {
    const training = startSmallTraining(backend);
    const found: number[] = [];
    for (let step = 0; step < STEPS; step++) found.push(await training.step());
    training.dispose();
    return found;
  });
}

/** The relative difference after the last step. */
function lastDifference(found: readonly number[], expected: readonly number[]): number {
  const last = expected[STEPS - 1]!;
  return Math.abs(found[STEPS - 1]! - last) / last;
}

describe("wasm and tensorflow agree with cpu to 1e-4 relative in loss after 20 steps on a CNN with batch norm and max pool", () => {
  let expected: number[];
  beforeAll(async () => (expected = await losses("cpu")));

  it("cpu learns, or agreement would say little", () => {
    expect(expected.at(-1)!).toBeLessThan(expected[0]! / 2);
  });

  it("wasm", async () => {
    expect(lastDifference(await losses("wasm"), expected)).toBeLessThan(1e-4);
  });

  it.skipIf(tensorflowSkip)("tensorflow", async () => {
    expect(lastDifference(await losses("tensorflow"), expected)).toBeLessThan(1e-4);
  });
});
