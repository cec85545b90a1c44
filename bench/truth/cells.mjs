/** The cells of the truth grid: what is injected into each, and by arithmetic where its time has to go. Pure. */

/** Samples of a batch, in every cell. */
export const BATCH_SIZE = 16;
/** Input and compute that differ by less than this share of the larger one are a tie: no verdict is asked for. */
export const TIE = 0.1;

/**
 * What is injected, in ms for a sample but for `computeMs`, which is for a batch. `latencyMs`: a worker sleeps.
 * `storageMs`: what the bytes of a sample take of storage that gives so many bytes a second to all workers together.
 * `prepMs`: a worker keeps a core busy. A `cachedFraction` of the samples needs no storage. `computeMs`: a device takes
 * it by a timer.
 * @typedef {{ numWorkers: number, latencyMs: number, storageMs: number, prepMs: number, cachedFraction: number,
 *   computeMs: number, batchSize: number, name: string }} Cell
 */

/** @param {Partial<Cell>} values @returns {Cell} */
export function cellOf(values) {
  const cell = {
    numWorkers: 1,
    latencyMs: 0,
    storageMs: 0,
    prepMs: 0,
    cachedFraction: 0,
    computeMs: 0,
    batchSize: BATCH_SIZE,
    ...values,
  };
  return { ...cell, name: nameOf(cell) };
}

/** @param {Omit<Cell, "name">} cell */
function nameOf({ numWorkers, latencyMs, storageMs, prepMs, cachedFraction, computeMs }) {
  const parts = [
    latencyMs > 0 ? `latency ${latencyMs}` : "",
    storageMs > 0 ? `storage ${storageMs}` : "",
    cachedFraction > 0 ? `${cachedFraction * 100} % cached` : "",
    prepMs > 0 ? `prep ${prepMs}` : "",
    `compute ${computeMs}`,
  ];
  return `w${numWorkers} ${parts.filter((part) => part !== "").join(", ")}`;
}

/** @param {Omit<Partial<Cell>, "computeMs">} values @param {readonly number[]} computeMs */
const sweep = (values, computeMs) => computeMs.map((ms) => cellOf({ ...values, computeMs: ms }));

/** Times of compute on both sides of an input of 32 ms a batch, and at a tie with it. */
export const CELLS = [
  ...sweep({}, [16]),
  ...sweep({ numWorkers: 2 }, [16]),
  ...sweep({ latencyMs: 2 }, [8, 20, 28, 32, 40]),
  ...sweep({ numWorkers: 2, latencyMs: 4 }, [8, 24, 40]),
  ...sweep({ latencyMs: 4, cachedFraction: 0.5 }, [16]),
  ...sweep({ storageMs: 2 }, [8, 24, 40]),
  ...sweep({ numWorkers: 2, storageMs: 2 }, [8, 24, 40]),
  ...sweep({ numWorkers: 2, latencyMs: 1, storageMs: 2 }, [16]),
  ...sweep({ prepMs: 2 }, [8, 20, 28, 40]),
  ...sweep({ latencyMs: 1, prepMs: 1 }, [8, 24, 40]),
  ...sweep({ latencyMs: 1.6, prepMs: 0.4 }, [16]),
  ...sweep({ latencyMs: 0.4, prepMs: 1.6 }, [16]),
  ...sweep({ numWorkers: 2, latencyMs: 3, prepMs: 1 }, [8, 24]),
  ...sweep({ numWorkers: 2, latencyMs: 2, prepMs: 2 }, [16]),
  ...sweep({ storageMs: 2, prepMs: 0.5 }, [16]),
  ...sweep({ storageMs: 1, prepMs: 2 }, [16]),
  ...sweep({ numWorkers: 2, storageMs: 2, prepMs: 1 }, [16]),
  ...sweep({ numWorkers: 2, prepMs: 4 }, [16]),
];

/**
 * Where the time of a batch goes once the ring has found its rhythm, in ms. A worker needs `own` ms for a sample of its
 * own time; storage, which works on while workers prepare, gives one every `storage` ms to all of them:
 *
 *     own = latencyMs * uncached + prepMs        storage = storageMs * uncached
 *     a sample takes each worker  cycle = max(own, numWorkers * storage),  prepMs of it prep and the rest fetch
 *     a batch takes               input = batchSize * cycle / numWorkers
 *     wall = max(input, compute)  stall = wall - compute, divided as cycle is
 * @param {Cell} cell
 */
export function arithmetic({ numWorkers, latencyMs, storageMs, prepMs, cachedFraction, computeMs, batchSize }) {
  const uncached = 1 - cachedFraction;
  const cycleMs = Math.max(latencyMs * uncached + prepMs, numWorkers * storageMs * uncached);
  const inputMs = (batchSize * cycleMs) / numWorkers;
  const wallMs = Math.max(inputMs, computeMs);
  const stallMs = wallMs - computeMs;
  const prepShare = cycleMs > 0 ? prepMs / cycleMs : 0;
  const fetchShare = 1 - prepShare;
  const isTie = Math.abs(inputMs - computeMs) < TIE * wallMs;
  return {
    inputMs,
    computeMs,
    wallMs,
    stallMs,
    fetchMs: stallMs * fetchShare,
    prepMs: stallMs * prepShare,
    busyThreads: cycleMs > 0 ? (((numWorkers * prepMs) / cycleMs) * inputMs) / wallMs : 0,
    isTie,
    kind: inputMs > computeMs ? "input-bound" : "compute-bound",
    cause: inputMs > computeMs ? causeOf(fetchShare) : undefined,
  };
}

/** As the verdict names it: two thirds or more are of one. @param {number} fetchShare */
function causeOf(fetchShare) {
  if (fetchShare >= 2 / 3) return "fetch";
  return fetchShare <= 1 / 3 ? "prep" : "both";
}

/** Why a cell cannot be measured here; "" if it can. @param {Cell} cell @param {number} cores */
export function whyLeftOut(cell, cores) {
  const { busyThreads } = arithmetic(cell);
  if (busyThreads <= cores - 1) return "";
  return `${busyThreads.toFixed(1)} busy threads on ${cores} cores`;
}
