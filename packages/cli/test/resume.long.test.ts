import { SEED } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { interrupted, makeImages, STEPS, uninterrupted } from "./interrupted-runs.js";

/** Five steps in ascending order, as the seed has it. */
function randomSteps(seed: number): number[] {
  let state = seed >>> 0;
  const steps = new Set<number>();
  while (steps.size < 5) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    steps.add(1 + Math.floor((state / 2 ** 32) * (STEPS - 4)));
  }
  return [...steps].toSorted((a, b) => a - b);
}

describe("train --resume after SIGKILL at five random steps ends with the bits of a run that nothing interrupted:", () => {
  it.each(["wasm", "cpu"])("%s", async (backend) => {
    const shards = await makeImages();
    const kills = randomSteps(SEED).map((step) => ({ step, signal: "SIGKILL" }) as const);
    expect(await interrupted(shards, backend, kills)).toEqual(await uninterrupted(shards, backend));
  });
});
