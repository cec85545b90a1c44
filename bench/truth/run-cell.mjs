/** One run of a cell: what the recorder says of it, and what is true by the injectors' own logs. */
import { join } from "node:path";
import { BATCH_SIZE } from "./cells.mjs";
import { watchMachine } from "./pressure.mjs";
import { createDataset } from "../../packages/formats/dist/index.js";
import { changeModel, openLoader, predict, sequential } from "../../packages/loader/dist/index.js";
import { profile, timerStep } from "../../packages/train/dist/index.js";

/** Steps of a run that count, and those before them. */
export const STEPS = 40;
const WARMUP_STEPS = 6;
/** Enough for the phases of a loader that nothing holds up. */
const SAMPLES = 8192;
const SIDE = 32;

/** Writes what the cells read: small images, so that millrace's own work is little beside what is injected. @param {string} root */
export async function makeData(root) {
  const fields = [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [SIDE, SIDE, 3] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
  ];
  const folder = join(root, "set");
  const writer = await createDataset(folder, { schema: { fields }, format: "arrow", samplesPerShard: SAMPLES });
  const image = new Uint8Array(SIDE * SIDE * 3);
  for (let n = 0; n < SAMPLES; n++) {
    image.fill(n & 255);
    await writer.write(
      new Map([
        ["image", image],
        ["label", Int32Array.of(n % 10)],
      ]),
    );
  }
  await writer.finish();
  return folder;
}

/** A loader into which a cell is injected. @param {string} folder @param {import("./cells.mjs").Cell} cell */
export function openCell(folder, { numWorkers, latencyMs, storageMs, prepMs, cachedFraction }) {
  // Of each sample, the image and its label are read.
  const bytes = SIDE * SIDE * 3 + 4;
  return openLoader(folder, {
    batchSize: BATCH_SIZE,
    numWorkers,
    // The samples that count as cached are spread evenly over their numbers.
    order: sequential(),
    inject: {
      fetchMs: latencyMs,
      prepMs,
      bytesPerSec: storageMs > 0 ? (bytes * 1000) / storageMs : undefined,
      cachedFraction,
    },
  });
}

/**
 * The same batches; tells when each was asked for.
 * @template T
 * @param {AsyncIterable<T>} loader
 * @param {(call: number, now: number) => void} onAsk
 * @returns {AsyncIterable<T>}
 */
function watched(loader, onAsk) {
  let call = 0;
  return {
    [Symbol.asyncIterator]() {
      const iterator = loader[Symbol.asyncIterator]();
      return {
        next() {
          onAsk(call++, performance.now());
          return iterator.next();
        },
        return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      };
    },
  };
}

/** @param {import("../../packages/train/dist/index.js").ProfileReport} report */
function attributedParts({ budget }) {
  return {
    wallMs: budget.wall.sumMs,
    stallMs: budget.stall.sumMs,
    fetchMs: budget.fetchStall?.sumMs ?? Number.NaN,
    prepMs: budget.prepStall?.sumMs ?? Number.NaN,
    computeMs: budget.compute.sumMs,
    otherMs: budget.other.sumMs + budget.copy.sumMs,
  };
}

/**
 * The wall by a watch of our own, compute by the device's log, all the rest stall as the consumer does nothing else; the
 * stall divided as the workers' injectors say that they spent their time.
 * @param {number} wallMs @param {number} computeMs @param {number} fetched @param {number} prepared
 */
function trueParts(wallMs, computeMs, fetched, prepared) {
  const stallMs = wallMs - computeMs;
  // Where nothing is injected what little stall there is, is preparation.
  const fetchShare = fetched + prepared > 0 ? fetched / (fetched + prepared) : 0;
  return { wallMs, stallMs, fetchMs: stallMs * fetchShare, prepMs: stallMs * (1 - fetchShare), computeMs, otherMs: 0 };
}

/**
 * The largest difference of a part, as a share of wall.
 * @param {Record<string, number>} attributed @param {ReturnType<typeof trueParts>} truth
 */
function errorOf(attributed, truth) {
  return Math.max(...Object.entries(truth).map(([part, ms]) => Math.abs(attributed[part] - ms) / truth.wallMs));
}

/** @param {string} folder @param {import("./cells.mjs").Cell} cell */
export async function runCell(folder, cell) {
  const loader = await openCell(folder, cell);
  const machine = watchMachine();
  const device = timerStep(cell.computeMs);
  const counts = () => loader.stats().injected;
  let [before, after] = [counts(), counts()];
  let [startMs, endMs] = [0, 0];
  try {
    const report = await profile({
      loader: watched(loader, (call, now) => {
        if (call !== WARMUP_STEPS) return;
        startMs = now;
        before = counts();
      }),
      step: async (batch, { step }) => {
        await device(batch);
        if (step !== STEPS - 1) return;
        endMs = performance.now();
        after = counts();
      },
      fence: () => undefined,
      steps: STEPS,
      warmupSteps: WARMUP_STEPS,
      phases: false,
    });
    const attributed = attributedParts(report);
    const spent = (of) => after[of] - before[of];
    const computeMs = device
      .tookMs()
      .slice(-STEPS)
      .reduce((sum, ms) => sum + ms, 0);
    const truthBy = (prepared) => trueParts(endMs - startMs, computeMs, spent("fetchMs"), prepared);
    const truth = truthBy(spent("prepCpuMs"));
    const { kind, cause } = report.verdict;
    return {
      error: errorOf(attributed, truth),
      wallError: errorOf(attributed, truthBy(spent("prepMs"))),
      cpuShare: spent("prepMs") > 0 ? spent("prepCpuMs") / spent("prepMs") : 1,
      truth,
      attributed,
      verdict: { kind, cause },
      machine: machine(),
    };
  } finally {
    await loader.close();
  }
}

/**
 * Profiles a cell with its phases: its model, calibrated, and its verdict.
 * @param {string} folder @param {import("./cells.mjs").Cell} cell
 */
async function modelCell(folder, cell) {
  const loader = await openCell(folder, cell);
  try {
    const { model, calibration, verdict, throughput, phases } = await profile({
      loader,
      step: timerStep(cell.computeMs),
      fence: () => undefined,
      steps: STEPS,
      warmupSteps: WARMUP_STEPS,
      phases: { seconds: 1 },
    });
    return {
      model: model && changeModel(model, calibration ?? {}),
      verdict,
      samplesPerSec: throughput.samplesPerSec,
      phases,
    };
  } finally {
    await loader.close();
  }
}

/** Samples a second of a run without phases. @param {string} folder @param {import("./cells.mjs").Cell} cell */
async function rateOf(folder, cell) {
  const { truth } = await runCell(folder, cell);
  return (STEPS * BATCH_SIZE * 1000) / truth.wallMs;
}

/**
 * One round of a prediction: both runs, one after the other.
 * @param {string} folder @param {typeof import("./predictions.mjs").PREDICTIONS[number]} prediction
 */
export async function runPrediction(folder, { from, to, change }) {
  const { model, verdict, samplesPerSec } = await modelCell(folder, from);
  const measuredPerSec = await rateOf(folder, to);
  if (model === undefined) return { error: Number.NaN, measuredPerSec, verdict };
  const predictedPerSec = predict(changeModel(model, change)).samplesPerSec;
  const error = predictedPerSec / measuredPerSec - 1;
  return { error, beforePerSec: samplesPerSec, predictedPerSec, measuredPerSec, verdict };
}
