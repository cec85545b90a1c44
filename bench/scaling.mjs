/**
 * `node bench/scaling.mjs [--data DIR] [--rounds 4]`: the loader with two workers against one, on the JPEGs of
 * DIR/train, as they are and seekable, to random crops of 224 x 224 as float32. They take
 * turns by some batches each, so that whatever else the machine does meets them alike; on a machine that others use, the
 * best rounds and the CPU time of an image say more than the medians. Writes bench/results/scaling.json and the table of
 * docs/loader-speed.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { markdownTable, writeDocs } from "./loader/docs-table.mjs";
import { prepareCase, TASKS } from "./peer-data.mjs";
import { openLoader } from "../packages/loader/dist/index.js";

const BAR = 1.85;
const BATCHES = 12;

const { values } = parseArgs({
  options: {
    data: { type: "string", default: process.env.PEER_DATA ?? "data" },
    rounds: { type: "string", default: "4" },
  },
});

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Seconds of CPU that the whole machine has spent so far. */
function machineBusy() {
  const ticks = readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/u).slice(1).map(Number);
  return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / 100;
}

/** The next batches of a loader that never ends. @param {AsyncIterator<{ size: number }>} batches @param {number} count */
async function take(batches, count) {
  const cpu = process.cpuUsage();
  const busy = machineBusy();
  const start = performance.now();
  let images = 0;
  for (let i = 0; i < count; i++) images += (await batches.next()).value.size;
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const cpuS = (user + system) / 1e6;
  const foreign = Math.max(0, machineBusy() - busy - cpuS) / seconds / cpus().length;
  return { imgPerSec: images / seconds, cpuMsPerImage: (cpuS * 1000) / images, foreign };
}

async function* forever(loader) {
  for (;;) yield* loader;
}

const of = (runs, name) => median(runs.map((run) => run[name]));

/** @param {boolean} isSeekable */
async function scale(isSeekable) {
  const task = TASKS.get("jpeg-train/f32");
  const root = await prepareCase(task, { data: values.data, format: "hdf5", isSeekable });
  const found = new Map([1, 2].map((numWorkers) => [numWorkers, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const numWorkers of round % 2 === 0 ? [1, 2] : [2, 1]) {
      // Only one has threads at a time; what one reads for the first time the other one has read, too.
      const options = { batchSize: 64, numWorkers, dropLast: true, checksums: "off", transforms: task.transforms };
      const loader = await openLoader(root, options);
      const batches = forever(loader);
      await take(batches, 3 + 3 * numWorkers);
      found.get(numWorkers).push(await take(batches, BATCHES * numWorkers));
      await loader.close();
    }
  const [one, two] = [found.get(1), found.get(2)];
  return {
    what: isSeekable ? "seekable JPEG" : "JPEG",
    one: of(one, "imgPerSec"),
    two: of(two, "imgPerSec"),
    ratio: of(two, "imgPerSec") / of(one, "imgPerSec"),
    best: Math.max(...two.map((run) => run.imgPerSec)) / Math.max(...one.map((run) => run.imgPerSec)),
    cpuMsOfOne: of(one, "cpuMsPerImage"),
    cpuMsOfTwo: of(two, "cpuMsPerImage"),
    foreignOfOne: of(one, "foreign"),
    foreignOfTwo: of(two, "foreign"),
  };
}

const load = Number(loadavg()[0].toFixed(2));
const lines = [await scale(false), await scale(true)];
const date = new Date().toISOString().slice(0, 10);
const header = ["JPEG to a random crop, float32", "1 worker", "2 workers", "ratio", "of the best rounds", "bar"];
header.push("CPU ms an image, 1", "2", "CPU of others, 1", "2 ");
const percent = (fraction) => `${Math.round(fraction * 100)} %`;
const table = markdownTable(
  header.map((name) => name.trim()),
  lines.map((line) => [
    line.what,
    `${Math.round(line.one)} img/s`,
    `${Math.round(line.two)} img/s`,
    line.ratio.toFixed(2),
    line.best.toFixed(2),
    `>= ${BAR}`,
    line.cpuMsOfOne.toFixed(2),
    line.cpuMsOfTwo.toFixed(2),
    percent(line.foreignOfOne),
    percent(line.foreignOfTwo),
  ]),
);
console.log(table);
const machine = { date, cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load };
const results = new URL("results/scaling.json", import.meta.url);
writeFileSync(
  results,
  `${JSON.stringify({ bench: "scaling", ...machine, rounds: Number(values.rounds), lines }, null, 2)}\n`,
);
writeDocs(
  "scaling",
  `${date}, ${cpus().length} cores of ${cpus()[0]?.model}, Node ${process.version}, load before it ${load}.\n\n${table}`,
);
