/**
 * `node bench/compress.mjs [--only REGEX] [--backend auto]`: what pruning and quantising take from a model and what they
 * cost. LeNet-5 on all of MNIST, every way by itself and together; mini-resnet on the photo set with half its filters; and
 * `millrace compress` on the demo's model, end to end. Ratios are before over after: above 1, the compressed model is
 * better. Forward passes and loading are measured in turns. Writes results/compress.json and the tables of docs/compress.md,
 * slow-downs too.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SIDE, STATISTICS, writeShards } from "../examples/mnist/all-digits.mjs";
import { writeDigits } from "../examples/mnist/digits.mjs";
import { makePhotoSet } from "../examples/photo-set/make.mjs";
import { openDataset } from "../packages/formats/dist/index.js";
import { openLoader, randomResizedCrop, resize, sequential, shuffle } from "../packages/loader/dist/index.js";
import { compressModel } from "../packages/train/dist/compress/index.js";
import { createModel, selectBackend, train } from "../packages/train/dist/index.js";
import { markdownTable, writeDocs } from "./loader/docs-table.mjs";

/** @typedef {import("../packages/train/dist/compress/index.js").CompressReport} CompressReport */
/** @typedef {import("../packages/train/dist/compress/index.js").ModelReport} ModelReport */
/** @typedef {{ task: string, backend: string, before: ModelReport, rows: object[], load: number }} Task */

const { values } = parseArgs({
  options: { only: { type: "string", default: "." }, backend: { type: "string", default: "auto" } },
});
const RESULTS = fileURLToPath(new URL("results/compress.json", import.meta.url));
const PAGE = new URL("../docs/compress.md", import.meta.url);
const BIN = fileURLToPath(new URL("../packages/cli/dist/bin.js", import.meta.url));
const SEED = 1;

/**
 * Runs `work`, then closes what it opened, the last first.
 * @template T
 * @param {(opened: <O extends { close(): Promise<void> }>(resource: O) => O) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function closing(work) {
  /** @type {{ close(): Promise<void> }[]} */
  const resources = [];
  try {
    return await work((resource) => {
      resources.push(resource);
      return resource;
    });
  } finally {
    for (const resource of resources.toReversed()) await resource.close();
  }
}

/** What was done, in words. @param {{ filterShare: number, sparsity: number, bits: number }} setting */
function nameOf({ filterShare, sparsity, bits }) {
  const parts = [
    ...(filterShare < 1 ? [`${Math.round(100 * filterShare)} % of the filters`] : []),
    ...(sparsity > 0 ? [`${Math.round(100 * sparsity)} % zeros`] : []),
    bits === 32 ? "float32" : bits === 16 ? "float16" : bits === 8 ? "int8 by channel" : `codebook of ${bits} bits`,
  ];
  return parts.join(", ");
}

/** @param {CompressReport} report @param {string} backend @param {string} task @returns {Task} */
function taskOf(report, backend, task) {
  const { before } = report;
  const rows = report.candidates.flatMap(({ setting, model, accuracyDrop }) => {
    if (model?.speed === undefined) return [];
    const [one, many] = model.speed.latency.map(({ p50Ms }, i) => (before.speed?.latency[i]?.p50Ms ?? 0) / p50Ms);
    return [
      {
        name: nameOf(setting),
        accuracy: model.accuracy.value,
        drop: accuracyDrop,
        nonZero: before.nonZero / model.nonZero,
        macs: before.macs / model.macs,
        file: before.bytes.float32 / model.bytes.packed,
        gzip: before.bytes.gzip / model.bytes.packed,
        forward1: one,
        forward64: many,
        load: (before.speed?.loadMs ?? 0) / model.speed.loadMs,
        memory: (before.speed?.peakMemoryBytes ?? 0) / model.speed.peakMemoryBytes,
        model,
      },
    ];
  });
  return { task, backend, before, rows, load: loadavg()[0] ?? 0 };
}

/** @param {string} folder @param {<O extends { close(): Promise<void> }>(resource: O) => O} opened */
async function lenet(folder, opened) {
  const shards = join(folder, "digits");
  await writeShards(shards);
  const loader = opened(await openLoader(shards, { batchSize: 64, order: shuffle({ seed: SEED }), numWorkers: 1 }));
  const validation = opened(await openLoader(shards, { split: "val", batchSize: 500, order: sequential() }));
  const backend = opened((await selectBackend(values.backend)).backend);
  const model = createModel("lenet", { classes: 10, inputShape: [SIDE, SIDE, 1], seed: SEED });
  const common = { model, backend, loader, validation, seed: SEED, statistics: STATISTICS };
  await train({ ...common, epochs: 2, learningRate: 0.002 });
  const { report } = await compressModel({
    ...common,
    maxAccuracyDrop: 0.005,
    filterShares: [1, 0.4],
    sparsities: [0, 0.93],
    bits: [32, 16, 8, 5],
    exhaustive: true,
    onProgress: tell,
  });
  model.dispose();
  return taskOf(report, backend.device, "LeNet-5, 60,000 digits; accuracy on 10,000 others");
}

/** @param {string} folder @param {<O extends { close(): Promise<void> }>(resource: O) => O} opened */
async function miniResnet(folder, opened) {
  const photos = join(folder, "photos");
  await makePhotoSet(photos, { train: 2700, val: 540, seed: SEED });
  const shards = join(folder, "photo-shards");
  millrace("convert", photos, shards, "--size", "96", "--mode", "raw", "--format", "arrow");
  const dataset = opened(await openDataset(shards));
  const statistics = dataset.manifest?.statistics ?? undefined;
  const order = shuffle({ seed: SEED });
  const crop = randomResizedCrop([64, 64], { scale: [0.3, 1] });
  const loader = opened(await openLoader(shards, { batchSize: 64, order, numWorkers: 1, transforms: [crop] }));
  const held = { split: "val", batchSize: 60, order: sequential(), transforms: [resize(64)] };
  const validation = opened(await openLoader(shards, held));
  const backend = opened((await selectBackend(values.backend)).backend);
  const model = createModel("mini-resnet", { classes: dataset.classes.length, inputShape: [64, 64, 3], seed: SEED });
  const common = { model, backend, loader, validation, seed: SEED, statistics };
  await train({ ...common, epochs: 12, learningRate: 0.003 });
  const { report } = await compressModel({
    ...common,
    maxAccuracyDrop: 0.9,
    filterShares: [1, 0.5],
    sparsities: [0],
    bits: [32, 8],
    epochs: 4,
    exhaustive: true,
    onProgress: tell,
  });
  model.dispose();
  return taskOf(report, backend.device, "mini-resnet of 64 x 64 pixels, photo set");
}

/** @param {import("../packages/train/dist/compress/index.js").CompressProgress} progress */
function tell(progress) {
  if (progress.kind !== "candidate" || progress.candidate.model === undefined) return;
  const { setting, accuracyDrop = 0 } = progress.candidate;
  console.log(`  ${nameOf(setting)}: ${(100 * accuracyDrop).toFixed(2)} points lost`);
}

/** Runs a command and returns its seconds and what it printed. @param {string[]} args */
function millrace(...args) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`millrace ${args[0]} ended with ${status}: ${stderr}`);
  return { seconds: (performance.now() - start) / 1000, stdout };
}

/** The demo's model as `npm run demo` trains it, then the command. @param {string} folder */
async function demo(folder) {
  const digits = join(folder, "demo-digits");
  const [shards, run, out] = ["demo-shards", "demo-run", "demo-small"].map((name) => join(folder, name));
  await writeDigits(digits);
  millrace("convert", digits, shards, "--size", "28", "--seed", "1");
  const common = ["--backend", "wasm", "--batch-size", "64", "--seed", "1"];
  const augment = ["--augment", "crop", "--crop-area", "0.8"];
  const recipe = ["--model", "lenet", "--epochs", "6", "--learning-rate", "0.002"];
  millrace("train", shards, ...common, ...augment, ...recipe, "--out", run);
  const flags = ["--dataset", shards, "--max-accuracy-drop", "0.01", "--out", out, "--json"];
  const { seconds, stdout } = millrace("compress", join(run, "model"), ...flags, ...common, ...augment);
  const report = JSON.parse(stdout);
  const task = taskOf(report, "wasm", "the demo's LeNet by `millrace compress --max-accuracy-drop 0.01`, 2,000 digits");
  return { ...task, seconds, chosen: nameOf(report.chosen), link: report.link?.text };
}

const TASKS = new Map([
  ["lenet", lenet],
  ["mini-resnet", miniResnet],
  ["demo", demo],
]);

/** @param {number} ratio */
function times(ratio) {
  return ratio >= 10 ? ratio.toFixed(0) : ratio >= 2 ? ratio.toFixed(1) : ratio.toFixed(2);
}

/** @param {Task & { seconds?: number, chosen?: string, link?: string }} task */
function tableOf({ task, backend, before, rows, seconds, chosen, link }) {
  const header = [
    "what",
    "points",
    "not 0",
    "multiply-adds",
    "file",
    "to gzip",
    "forward of 1",
    "of 64",
    "load",
    "memory",
  ];
  const cells = rows.map((row) => [
    row.name,
    (-100 * row.drop).toFixed(2),
    ...[row.nonZero, row.macs, row.file, row.gzip, row.forward1, row.forward64, row.load, row.memory].map(times),
  ]);
  const accuracy = `${(100 * before.accuracy.value).toFixed(2)} % before`;
  const demoText =
    seconds === undefined
      ? []
      : [`${seconds.toFixed(0)} seconds from start to end; chosen: ${chosen}. ${link ?? ""}`.trim()];
  return [`${task}: ${accuracy}, ${backend}.`, ...demoText, markdownTable(header, cells)].join("\n\n");
}

const known = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")).tasks : {};
const folder = mkdtempSync(join(tmpdir(), "millrace-compress-bench-"));
try {
  for (const [name, run] of TASKS) {
    if (!new RegExp(values.only, "u").test(name)) continue;
    console.log(name);
    known[name] = await closing((opened) => run(folder, opened));
    console.log(tableOf(known[name]));
    const environment = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
    writeFileSync(RESULTS, `${JSON.stringify({ environment, tasks: known }, null, 2)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const intro =
  "Before over after, measured by `npm run bench -- compress`: above 1, the compressed model is better; `points` is the accuracy won or lost.";
const tables = [...TASKS.keys()].flatMap((name) => (known[name] === undefined ? [] : [tableOf(known[name])]));
writeDocs("compress", [intro, ...tables].join("\n\n"), PAGE);
