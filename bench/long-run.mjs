/**
 * `node bench/long-run.mjs [--batches 10000]`: what a long run costs the main thread. Two workers fill batches of 64
 * images of 224 x 224 as uint8, from pixels; the consumer does nothing. Prints microseconds of the main thread's CPU a
 * batch, the share of the time that garbage collection took, and the resident memory less the ring, each against its bar.
 * Writes bench/results/long-run.json and the table of docs/loader-speed.md.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { PerformanceObserver } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { markdownTable, writeDocs } from "./loader/docs-table.mjs";
import { makeShard } from "./orders/synthetic.mjs";
import { openLoader } from "../packages/loader/dist/index.js";

const { values } = parseArgs({ options: { batches: { type: "string", default: "10000" } } });
const wanted = Number(values.batches);

/** Microseconds of CPU that the main thread has had so far; NaN where the system does not tell. */
function mainThreadUs() {
  const path = `/proc/self/task/${process.pid}/schedstat`;
  return existsSync(path) ? Number(readFileSync(path, "utf8").split(" ")[0]) / 1e3 : Number.NaN;
}

/** Sums the pauses of the garbage collector on this thread, in ms. */
function watchGc() {
  let ms = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) ms += entry.duration;
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => ms;
}

/** Bytes of the loader's shared memory, as it says. @param {string} text */
function ringBytes(text) {
  return Number(/memory: ([\d.]+) MB shared/u.exec(text)?.[1] ?? Number.NaN) * 1e6;
}

/** @param {string} root */
async function measure(root) {
  const loader = await openLoader(root, { batchSize: 64, numWorkers: 2, dropLast: true });
  try {
    return await run(loader);
  } finally {
    await loader.close();
  }
}

/** @param {import("../packages/loader/dist/index.js").Loader} loader */
async function run(loader) {
  const warm = Math.min(500, wanted);
  let batches = 0;
  let gc;
  let start = 0;
  let mainUs = 0;
  let heap = 0;
  while (batches < wanted + warm)
    for await (const batch of loader) {
      batches += Number(batch.size > 0);
      if (batches === warm) {
        gc = watchGc();
        heap = process.memoryUsage().heapUsed;
        [start, mainUs] = [performance.now(), mainThreadUs()];
      }
      if (batches === wanted + warm) break;
    }
  const ms = performance.now() - start;
  const mainUsPerBatch = (mainThreadUs() - mainUs) / wanted;
  const ring = ringBytes(loader.describe());
  const rss = process.memoryUsage().rss;
  return {
    batches: wanted,
    seconds: ms / 1000,
    imgPerSec: (wanted * 64) / (ms / 1000),
    mainUsPerBatch,
    gcFraction: (gc?.() ?? 0) / ms,
    ringMiB: ring / 2 ** 20,
    rssLessRingMiB: (rss - ring) / 2 ** 20,
    peakRssLessRingMiB: process.resourceUsage().maxRSS / 1024 - ring / 2 ** 20,
    heapGrowthMiB: (process.memoryUsage().heapUsed - heap) / 2 ** 20,
  };
}

const folder = mkdtempSync(join(tmpdir(), "millrace-long-"));
try {
  const load = Number(loadavg()[0].toFixed(2));
  await makeShard(join(folder, "set"));
  const found = await measure(join(folder, "set"));
  const rows = [
    ["main thread, CPU us a batch", found.mainUsPerBatch.toFixed(1), "<= 30"],
    ["garbage collection, share of the time", `${(found.gcFraction * 100).toFixed(3)} %`, "< 0.5 %"],
    ["resident memory at its peak less the ring, MiB", found.peakRssLessRingMiB.toFixed(0), "<= 350"],
    ["the same at the end, MiB", found.rssLessRingMiB.toFixed(0), ""],
    ["growth of the JavaScript heap, MiB", found.heapGrowthMiB.toFixed(1), ""],
  ];
  const table = markdownTable([`${wanted} batches of 64`, "measured", "bar"], rows);
  console.log(table);
  const date = new Date().toISOString().slice(0, 10);
  const machine = { date, cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load };
  const results = new URL("results/long-run.json", import.meta.url);
  writeFileSync(results, `${JSON.stringify({ bench: "long-run", ...machine, ...found }, null, 2)}\n`);
  const text = `${date}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}, load before it ${load}. Pixels of
224 x 224 as uint8, two workers, a ring of ${found.ringMiB.toFixed(0)} MiB.`;
  writeDocs("long-run", `${text}\n\n${table}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
