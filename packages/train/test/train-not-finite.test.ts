import { describe, expect, it } from "vitest";
import { onBackend } from "./backends/on-backend.js";
import { endsOf, poison, POISONS } from "./training/poisoned.js";

// ReLU and max pooling of wasm make a number of a NaN, so that no loss tells.
describe.each(["wasm", "cpu"] as const)("on %s a run ends at the update that breaks the weights, for", (name) => {
  const poisons = name === "cpu" ? POISONS.filter(({ isCheap }) => isCheap) : POISONS;
  it.each(poisons)("$what", async (one) => {
    expect(await onBackend(name, async (backend) => await poison(backend, one))).toEqual(endsOf(one));
  });
});
