/** Predictions that are put to the test: a profile of one cell, a change, and the cell that it leads to. Pure. */
import { cellOf } from "./cells.mjs";

/** How far off a prediction may be, in the median of its runs. */
const BARS = { workers: 0.1, cache: 0.05 };

/** The device is never the limit. */
const COMPUTE_MS = 8;

/** @param {Partial<import("./cells.mjs").Cell>} values */
const workers = (values) => ({
  kind: /** @type {const} */ ("workers"),
  from: cellOf({ ...values, computeMs: COMPUTE_MS }),
  to: cellOf({ ...values, computeMs: COMPUTE_MS, numWorkers: 2 }),
  change: { numWorkers: 2 },
});

/** @param {Partial<import("./cells.mjs").Cell>} values */
const cache = (values) => ({
  kind: /** @type {const} */ ("cache"),
  from: cellOf({ ...values, computeMs: COMPUTE_MS }),
  to: cellOf({ ...values, computeMs: COMPUTE_MS, cachedFraction: 0.5 }),
  change: { cacheFraction: 0.5 },
});

/** Each with the largest error that is allowed, `bar`. */
export const PREDICTIONS = [
  workers({ latencyMs: 2.4 }),
  workers({ latencyMs: 3, prepMs: 1 }),
  workers({ latencyMs: 2.4, storageMs: 1.6 }),
  workers({ prepMs: 2 }),
  cache({ latencyMs: 2.4 }),
  cache({ latencyMs: 2.4, prepMs: 0.8 }),
  cache({ storageMs: 2.4 }),
  cache({ storageMs: 3, prepMs: 1.2 }),
].map((prediction) => {
  const change = prediction.kind === "workers" ? "1 to 2 workers" : "half cached";
  return { ...prediction, bar: BARS[prediction.kind], name: `${prediction.from.name}: ${change}` };
});
