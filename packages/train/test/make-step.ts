import type { StepTimes } from "@millrace/train";

/** A step of the parts given, in ms. */
export function makeStep(parts: Partial<Record<"fetch" | "prep" | "copy" | "compute" | "other", number>>): StepTimes {
  const { fetch = 0, prep = 0, copy = 0, compute = 0, other = 0 } = parts;
  return {
    wallMs: fetch + prep + copy + compute + other,
    stallMs: fetch + prep,
    fetchStallMs: fetch,
    prepStallMs: prep,
    copyMs: copy,
    computeMs: compute,
    otherMs: other,
    overlappedCopyMs: 0,
  };
}
