/** What a profile has to find of photographs, for a device that takes its time by a timer. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openLoader } from "../../packages/loader/dist/index.js";
import { profile, profileAndApply, timerStep } from "../../packages/train/dist/index.js";
import { prepareCase, TASKS } from "../peer-data.mjs";

/** About 1,200 images a second. */
export const BATCH_SIZE = 64;
export const STEP_MS = 53;
/** Bytes a second of storage that is too slow. */
export const SLOW_STORAGE = 20e6;

const COMMON = { steps: 120, warmupSteps: 20, fence: () => undefined, phases: { seconds: 3 } };

const JPEGS = { name: "jpeg-train/u8", isSeekable: true };
const RAW = { name: "raw256crop/u8", isSeekable: false };

/** Each case: its data, the loader's options, the true verdict; where the best change is made, also that after it. */
export const CASES = [
  { name: "JPEGs, 1 worker", data: JPEGS, options: { numWorkers: 1 }, expected: "input-bound, prep" },
  {
    name: "JPEGs, 1 worker, `--apply`",
    data: JPEGS,
    options: { numWorkers: 1 },
    expected: "compute-bound",
    change: { numWorkers: 2 },
  },
  {
    name: "JPEGs, 2 workers, storage of 20 MB/s",
    data: JPEGS,
    options: { numWorkers: 2, inject: { bytesPerSec: SLOW_STORAGE } },
    expected: "input-bound, fetch",
  },
  { name: "raw, 2 workers", data: RAW, options: { numWorkers: 2 }, expected: "compute-bound" },
];

/** @param {{ kind: string, cause: string | undefined }} verdict */
const verdictText = ({ kind, cause }) => (cause === undefined ? kind : `${kind}, ${cause}`);

/** @param {import("../../packages/train/dist/index.js").ProfileReport} report */
function factsOf({ verdict, throughput, phases, applied }) {
  const rate = (name) => phases?.phases.find((phase) => phase.name === name)?.samplesPerSec;
  return {
    verdict: verdictText(verdict),
    perSec: throughput.samplesPerSec,
    stepPerSec: rate("synthetic"),
    memoryPerSec: rate("memory"),
    coldPerSec: rate("cold"),
    agrees: phases?.agrees,
    applied: applied?.[0],
  };
}

/** Reads all files below a folder, so that the page cache has them. @param {string} folder */
function warm(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) readFileSync(join(entry.parentPath, entry.name));
}

/**
 * One run of a case. Nothing is checked, as from the second epoch on.
 * @param {string} data the folder that has the photographs in `train`
 * @param {typeof CASES[number]} one
 */
export async function runCase(data, { data: { name, isSeekable }, options, change }) {
  const { transforms } = TASKS.get(name);
  const folder = await prepareCase(TASKS.get(name), { data, format: "hdf5", isSeekable });
  warm(folder);
  const common = { batchSize: BATCH_SIZE, fields: ["image", "label"], transforms, checksums: "off" };
  const open = (setting) => openLoader(folder, { ...common, ...options, ...setting });
  const step = timerStep(STEP_MS);
  if (change !== undefined) return factsOf(await profileAndApply({ ...COMMON, open, step, rounds: 1 }));
  const loader = await open({});
  try {
    return factsOf(await profile({ ...COMMON, loader, step }));
  } finally {
    await loader.close();
  }
}
