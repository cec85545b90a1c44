/**
 * `node bench/peer-case.mjs TASK --data DIR [--workers N] [--seconds S] [--seekable] [--format F] [--checksums P]
 * [--columns] [--depth N] [--describe]`: one case of the loader for the peers' `run.py --extra TASK='…'`. Converts the
 * images of DIR/train once, under DIR/millrace, and prints one JSON line with the peers' fields.
 *
 * The work is the peers': shuffled batches of 64 with their labels, the same augmentation, whole epochs until S seconds
 * are over, after a warm-up epoch, page cache warm. Checksums: `first` by default, so the warm-up epoch checks and the
 * timed ones need not; with `--columns` a second loader is timed that checks `always`, and `first_epoch_img_per_s` is
 * the warm-up epoch.
 *
 * TASK: raw224/f32, raw224/u8, raw256crop/f32, raw256crop/u8, rawfull-rrc/f32, jpeg-train/f32, jpeg-train/u8
 */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { PerformanceObserver } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { prepareCase, TASKS } from "./peer-data.mjs";
import { openLoader } from "../packages/loader/dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string", default: process.env.PEER_DATA ?? "data" },
    workers: { type: "string", default: "2" },
    seconds: { type: "string", default: process.env.BENCH_SECONDS ?? "5" },
    format: { type: "string", default: "hdf5" },
    checksums: { type: "string", default: "first" },
    depth: { type: "string" },
    seekable: { type: "boolean", default: false },
    columns: { type: "boolean", default: false },
    describe: { type: "boolean", default: false },
  },
});

const task = TASKS.get(positionals[0]);
if (task === undefined) {
  console.error(`usage: node bench/peer-case.mjs TASK --data DIR; TASK is one of ${[...TASKS.keys()].join(", ")}`);
  process.exit(2);
}
const numWorkers = Number(values.workers);
const seconds = Number(values.seconds);

/** Seconds of CPU that the whole machine has spent so far, idle time left out. */
function machineBusy() {
  if (!existsSync("/proc/stat")) return 0;
  const ticks = readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/u).slice(1).map(Number);
  return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / 100;
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Opens a loader, runs its first epoch, then whole epochs until `limit` seconds are over. */
async function measure(root, checksums, limit) {
  const openedAt = performance.now();
  const loader = await openLoader(root, {
    batchSize: 64,
    numWorkers,
    dropLast: true,
    checksums,
    transforms: task.transforms,
    prefetchDepth: values.depth === undefined ? undefined : Number(values.depth),
  });
  try {
    if (values.describe) console.error(loader.describe());
    const first = await warmUp(loader, openedAt);
    return { ...first, ...(await timeEpochs(loader, limit)) };
  } finally {
    await loader.close();
  }
}

/** The first epoch, in which shards are opened, checksums checked and kernels compiled. */
async function warmUp(loader, openedAt) {
  let images = 0;
  let firstAt = 0;
  for await (const batch of loader) {
    if (firstAt === 0) firstAt = performance.now();
    else images += batch.size;
  }
  return { firstBatchMs: firstAt - openedAt, firstEpoch: images / ((performance.now() - firstAt) / 1000) };
}

/** Microseconds of CPU that the main thread has had so far. */
function mainThreadUs() {
  const path = `/proc/self/task/${process.pid}/schedstat`;
  return existsSync(path) ? Number(readFileSync(path, "utf8").split(" ")[0]) / 1e3 : Number.NaN;
}

async function timeEpochs(loader, limit) {
  const gc = watchGc();
  const busy = machineBusy();
  const cpu = cpuSeconds();
  const before = loader.stats();
  const mainUs = mainThreadUs();
  const start = performance.now();
  let images = 0;
  let spent = 0;
  do {
    for await (const batch of loader) images += batch.size;
    spent = (performance.now() - start) / 1000;
  } while (spent < limit);
  const cpuS = cpuSeconds() - cpu;
  const foreign = Math.max(0, machineBusy() - busy - cpuS) / spent / availableParallelism();
  const mainSpentUs = mainThreadUs() - mainUs;
  const after = loader.stats();
  const stages = Object.fromEntries(
    Object.entries(after.stages).map(([name, ms]) => [name, Math.round(ms - before.stages[name])]),
  );
  const mainUsPerBatch = mainSpentUs / (after.batches - before.batches);
  return { images, seconds: spent, cpuS, foreign, mainUsPerBatch, gcFraction: gc() / (spent * 1000), stages };
}

/** Sums the pauses of the garbage collector on this thread, in ms. */
function watchGc() {
  let ms = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) ms += entry.duration;
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => {
    observer.disconnect();
    return ms;
  };
}

const round = (number, digits) => Number(number.toFixed(digits));
const root = await prepareCase(task, { data: values.data, format: values.format, isSeekable: values.seekable });
const timed = await measure(root, values.checksums, seconds);
const row = {
  peer: `millrace${values.seekable ? " seekable" : ""} w${numWorkers}`,
  task: positionals[0],
  images: timed.images,
  seconds: round(timed.seconds, 3),
  img_per_s: round(timed.images / timed.seconds, 1),
  cpu_s: round(timed.cpuS, 2),
  cpu_ms_per_img: round((timed.cpuS / timed.images) * 1e3, 4),
  peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  foreign: round(timed.foreign, 3),
  workers: numWorkers,
  format: values.format,
  checksums: values.checksums,
  first_batch_ms: round(timed.firstBatchMs, 1),
  first_epoch_img_per_s: round(timed.firstEpoch, 1),
  main_us_per_batch: round(timed.mainUsPerBatch, 1),
  gc_fraction: round(timed.gcFraction, 5),
  stages: timed.stages,
};
if (values.columns) {
  const always = await measure(root, "always", seconds);
  row.always_img_per_s = round(always.images / always.seconds, 1);
}
console.log(JSON.stringify(row));
