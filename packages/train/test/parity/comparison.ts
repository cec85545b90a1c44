import { relativeError } from "../backends/on-backend.js";
import type { Outcome } from "./compute.js";

/** The largest difference, over the largest value of the tensor. */
export const GRADIENT_TOLERANCE = 2e-5;

/** How an outcome differs from the reference, or `undefined` if it is the same. */
export function problemOf(
  outcome: Outcome | undefined,
  reference: readonly Float32Array[] | undefined,
): string | undefined {
  if (outcome === undefined) return "not computed";
  if (typeof outcome === "string") return outcome;
  if (reference === undefined) return "there is no reference";
  if (reference.length !== outcome.length || outcome.length === 0) return `${outcome.length} tensors`;
  const error = Math.max(...reference.map((values, at) => relativeError(outcome[at] ?? [], values)));
  return error < GRADIENT_TOLERANCE ? undefined : `differs by ${error.toExponential(1)}`;
}

/** The largest difference of two runs' losses, over the loss; losses below a hundredth count as that. */
export function lossError(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Math.max(...found.map((loss, at) => Math.abs(loss - expected[at]!) / Math.max(0.01, expected[at]!)));
}
