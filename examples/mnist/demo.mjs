/**
 * The whole product on real images, each step by the command a user types: 12,000 handwritten digits as PNG files ->
 * shards -> a profile -> a trained LeNet -> its accuracy on digits that it has not seen.
 *
 *     npm run demo                       # HDF5
 *     npm run demo -- --format arrow     # Arrow
 *
 * Everything it makes lies in .demo/ at the root of the repository.
 */
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeDigits } from "./digits.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BIN = join(ROOT, "packages", "cli", "dist", "bin.js");
/** Fixed, so that every run shows the same. */
const SEED = "1";

const { values } = parseArgs({
  options: {
    format: { type: "string", default: "hdf5" },
    backend: { type: "string", default: "wasm" },
    epochs: { type: "string", default: "6" },
  },
});

const FORMATS = ["hdf5", "arrow", "tfrecord", "webdataset"];
if (!FORMATS.includes(values.format)) {
  process.stderr.write(`--format ${values.format}: there is no such format; expected ${FORMATS.join(", ")}\n`);
  process.exit(2);
}

const work = join(ROOT, ".demo");
const digits = join(work, "digits");
const shards = join(work, `shards-${values.format}`);
const run = join(work, `run-${values.format}`);

/** @param {string} text */
function say(text) {
  process.stdout.write(`\n${text}\n`);
}

/**
 * Runs one millrace command, shown as a user would type it, with its output on this terminal.
 * @param {string[]} args
 * @returns {Promise<void>}
 */
function millrace(...args) {
  say(`$ npx millrace ${args.map((arg) => (arg.startsWith(ROOT) ? relative(ROOT, arg) : arg)).join(" ")}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`millrace ${args[0]} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

const start = performance.now();
say("Writing 12,000 MNIST digits as PNG files: train/0 ... train/9, val/0 ... val/9");
await writeDigits(digits);
for (const folder of [shards, run]) rmSync(folder, { recursive: true, force: true });

say("Converting the PNG files into shards of 28 x 28 pixels, in worker threads");
await millrace("convert", digits, shards, "--format", values.format, "--size", "28", "--seed", SEED);

say("What is in the shards?");
await millrace("inspect", shards);

say("Where would the time of a training step go?");
const common = ["--model", "lenet", "--backend", values.backend, "--batch-size", "64", "--seed", SEED];
await millrace("profile", shards, ...common, "--steps", "40", "--html", join(work, "profile.html"));

say(`Training LeNet for ${values.epochs} epochs on 10,000 digits, validating on 2,000 others`);
const augment = ["--augment", "crop", "--crop-area", "0.8"];
await millrace(
  "train",
  shards,
  ...common,
  ...augment,
  "--epochs",
  values.epochs,
  "--learning-rate",
  "0.002",
  "--out",
  run,
);

/** @type {import("@millrace/train").TrainReport} */
const report = JSON.parse(readFileSync(join(run, "report.json"), "utf8"));
const { wall, stall, copy, compute, other } = report.budget;
const accuracy = report.epochs.at(-1)?.validation?.accuracy ?? 0;
const percent = (/** @type {number} */ fraction) => `${(100 * fraction).toFixed(1)} %`;
say(`validation accuracy  ${accuracy.toFixed(4)} on 2,000 digits`);
process.stdout.write(
  [
    `time budget          ${(wall.sumMs / 1000).toFixed(1)} s: stall ${percent(stall.fraction)}, copy ${percent(copy.fraction)}, compute ${percent(compute.fraction)}, other ${percent(other.fraction)}`,
    `report               ${join(run, "report.html")}`,
    `all of it            ${((performance.now() - start) / 1000).toFixed(0)} s`,
    "",
  ].join("\n"),
);
