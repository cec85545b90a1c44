/**
 * `node bench/train.mjs [--only REGEX] [--rounds 5] [--seconds 2]`: training against PyTorch on the CPU (channels last,
 * two threads, `PEER_PYTHON`), against TensorFlow.js as it comes, and uploads against the plain way. Every candidate is a process of its own; they take turns round by round. The ratio is ours divided by theirs:
 * above 1, ours is faster. Writes results/train.json, and the table of docs/train-speed.md with every row, lost ones too.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createDataset } from "../packages/formats/dist/index.js";

/** @typedef {{ images: number, ms: number, cpuMs: number }} Round */
/** @typedef {{ name: string, median: number, low: number, high: number, cpuMs: number, rounds: number, ratio: number }} Row */
/** @typedef {{ task: string, unit: string, bar: string, rows: Row[], failed: string[], load: number }} Task */

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "." },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
  },
});
const here = fileURLToPath(new URL(".", import.meta.url));
const results = join(here, "results", "train.json");
const python = process.env.PEER_PYTHON;
/** A candidate that says nothing for so long has failed. */
const SILENCE_MS = 180_000;

/** @param {string} network @param {string} candidate @param {string[]} more @returns {string[]} */
const node = (network, candidate, ...more) => [
  process.execPath,
  join(here, "train", "case.mjs"),
  network,
  candidate,
  ...more,
];
/** @param {string} network @returns {[string, string[]][]} */
const torch = (network) =>
  python === undefined ? [] : [["PyTorch CPU, channels last", [python, join(here, "train", "torch_case.py"), network]]];

/**
 * The candidates of a task, ours first.
 * @type {Map<string, { bar: string, candidates: (folder: string) => [string, string[]][] }>}
 */
const TRAINING = new Map(
  ["small-cnn", "resnet18"].map((network) => [
    network,
    {
      bar: ">= 0.7 of PyTorch",
      candidates: () => [
        ["millrace tensorflow", node(network, "millrace tensorflow")],
        ["tfjs-node", node(network, "tfjs-node")],
        ...torch(network),
      ],
    },
  ]),
);
TRAINING.set("small-cnn on wasm", {
  bar: ">= 3.5 of the composed shim",
  candidates: () => [
    ["millrace wasm", node("small-cnn", "millrace wasm")],
    ["tfjs wasm and shim", node("small-cnn", "tfjs wasm and shim")],
  ],
});
TRAINING.set("small-cnn from shards", {
  bar: ">= 0.97 of the same in memory",
  candidates: (folder) => [
    ["shards by the loader", node("small-cnn", "loader", folder)],
    ["batches in memory", node("small-cnn", "memory", folder)],
  ],
});

/** A process that trains when it is told to. */
class Candidate {
  /** @param {string} name @param {string[]} command */
  constructor(name, command) {
    this.name = name;
    /** @type {Round[]} */
    this.rounds = [];
    /** @type {string | undefined} */
    this.failure = undefined;
    const [program = "", ...args] = command;
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdin.on("error", () => {});
    this.child.on("error", (error) => (this.failure = error.message));
    this.errors = "";
    this.child.stderr.on(
      "data",
      (/** @type {Buffer} */ text) => (this.errors = `${this.errors}${text.toString()}`.slice(-2000)),
    );
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async #answer() {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const silence = new Promise((resolve) => (timer = setTimeout(resolve, SILENCE_MS, undefined)));
    const line = /** @type {IteratorResult<string> | undefined} */ (await Promise.race([this.lines.next(), silence]));
    clearTimeout(timer);
    if (line !== undefined && line.done !== true) return line.value;
    this.failure ??= line === undefined ? "no answer" : (this.errors.trim().split("\n").at(-1) ?? "ended");
    this.child.kill();
    return undefined;
  }

  async start() {
    await this.#answer();
  }

  /** @param {string} seconds */
  async turn(seconds) {
    if (this.failure !== undefined) return;
    this.child.stdin.write(`${seconds}\n`);
    const answer = await this.#answer();
    if (answer !== undefined) this.rounds.push(JSON.parse(answer));
  }

  stop() {
    this.child.kill();
  }
}

/** @param {number[]} numbers */
function spread(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    Number((sorted[Math.round(share * (sorted.length - 1))] ?? 0).toPrecision(4));
  return { median: at(0.5), low: at(0), high: at(1), rounds: sorted.length };
}

/** @param {number} ratio */
const rounded = (ratio) => Number(ratio.toPrecision(3));

/** @param {string} task @param {string} folder @returns {Promise<Task>} */
async function trainTask(task, folder) {
  const setting = TRAINING.get(task);
  if (setting === undefined) throw new RangeError(`no such task: ${task}`);
  const load = Number(loadavg()[0]?.toFixed(2));
  const candidates = setting.candidates(folder).map(([name, command]) => new Candidate(name, command));
  for (const candidate of candidates) await candidate.start();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const candidate of candidates) await candidate.turn(values.seconds);
    console.error(`${task} round ${round + 1}/${values.rounds}`);
  }
  for (const candidate of candidates) candidate.stop();
  const [ours] = candidates;
  const rows = candidates
    .filter(({ rounds }) => rounds.length > 0)
    .map(({ name, rounds }) => {
      const speed = spread(rounds.map(({ images, ms }) => (images * 1000) / ms));
      const cpuMs = spread(rounds.map(({ images, cpuMs: cpu }) => cpu / images)).median;
      // Rounds of the same number met the same machine, so ratios are taken round by round.
      const pairs = rounds.map(({ images, ms }, i) => {
        const own = ours?.rounds[i];
        return own === undefined ? Number.NaN : own.images / own.ms / (images / ms);
      });
      return { name, ...speed, cpuMs, ratio: rounded(spread(pairs).median) };
    });
  const failed = candidates.flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name}: ${failure}`]));
  return { task, unit: "img/s", bar: setting.bar, rows, failed, load };
}

/** @type {Map<string, { backend: string, batch: number, bar: string }>} */
const UPLOADS = new Map([
  ["upload 64 x 224 x 224 x 3 to tensorflow", { backend: "tensorflow", batch: 64, bar: "<= 6 ms" }],
  ["upload 16 x 224 x 224 x 3 to wasm", { backend: "wasm", batch: 16, bar: "" }],
]);

/** @param {string} task @returns {Task} */
function uploadTask(task) {
  const { backend, batch, bar } = /** @type {{ backend: string, batch: number, bar: string }} */ (UPLOADS.get(task));
  const load = Number(loadavg()[0]?.toFixed(2));
  const args = [join(here, "train", "upload.mjs"), backend, String(batch), String(2 * Number(values.seconds))];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (stdout === "") return { task, unit: "ms", bar, rows: [], failed: [stderr.trim().slice(-300)], load };
  const times = /** @type {Record<string, number[]>} */ (JSON.parse(stdout));
  const names = {
    ours: "millrace",
    oursUnaligned: "millrace, unaligned memory",
    theirs: "int32 tensor, cast, mul, add",
  };
  const rows = Object.entries(names).map(([key, name]) => {
    const pairs = (times[key] ?? []).map((ms, i) => ms / (times["ours"]?.[i] ?? Number.NaN));
    return { name, ...spread(times[key] ?? []), cpuMs: 0, ratio: rounded(spread(pairs).median) };
  });
  return { task, unit: "ms", bar, rows, failed: [], load };
}

/** 4096 raw images of 64 x 64. @param {string} folder */
async function makeShards(folder) {
  const samples = 4096;
  const writer = await createDataset(folder, {
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [64, 64, 3] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
    format: "hdf5",
    samplesPerShard: 1024,
  });
  for (let sample = 0; sample < samples; sample++) {
    const image = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => Math.imul(i + sample * 31, 2_654_435_761) >>> 24);
    await writer.write(
      new Map(
        /** @type {[string, any][]} */ ([
          ["image", image],
          ["label", Int32Array.of(sample % 10)],
        ]),
      ),
    );
  }
  await writer.finish();
}

/** @param {readonly Task[]} tasks */
function tableOf(tasks) {
  const parts = tasks.map(({ task, unit, bar, rows, failed }) => {
    const cpu = unit === "ms" ? "" : " CPU ms an image |";
    const head = `| candidate | ${unit}, median | lowest to highest | ours / theirs |${cpu}\n| --- | ---: | ---: | ---: |${cpu === "" ? "" : " ---: |"}`;
    const lines = rows.map((row) => {
      const numbers = `| ${row.name} | ${row.median} | ${row.low} to ${row.high} | ${row.ratio.toFixed(2)} |`;
      return cpu === "" ? numbers : `${numbers} ${row.cpuMs} |`;
    });
    const lost = failed.map((line) => `\nFailed: ${line}`);
    return [`## ${task}${bar === "" ? "" : `, bar ${bar}`}\n`, head, ...lines, ...lost].join("\n");
  });
  return `# Speed of training

Made by \`node bench/train.mjs\`. Two threads, but wasm has one. Candidates take turns, each in a process of its own;
\`ours / theirs\` is the median of the ratios of the rounds, above 1 where ours is faster. Only ratios mean anything.

${parts.join("\n\n")}
`;
}

const known = existsSync(results)
  ? /** @type {{ tasks: Task[] }} */ (JSON.parse(readFileSync(results, "utf8"))).tasks
  : [];
const found = new Map(known.map((task) => [task.task, task]));
function save() {
  const tasks = [...TRAINING.keys(), ...UPLOADS.keys()].flatMap((task) => found.get(task) ?? []);
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
  mkdirSync(join(results, ".."), { recursive: true });
  writeFileSync(results, `${JSON.stringify({ bench: "train", ...machine, tasks }, undefined, 2)}\n`);
  writeFileSync(join(here, "..", "docs", "train-speed.md"), tableOf(tasks));
}

const folder = mkdtempSync(join(tmpdir(), "millrace-bench-train-"));
const shards = join(folder, "shards");
const only = new RegExp(values.only, "u");
try {
  for (const task of [...TRAINING.keys(), ...UPLOADS.keys()].filter((name) => only.test(name))) {
    if (task === "small-cnn from shards") await makeShards(shards);
    found.set(task, TRAINING.has(task) ? await trainTask(task, shards) : uploadTask(task));
    save();
    console.log(JSON.stringify(found.get(task), undefined, 1));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
