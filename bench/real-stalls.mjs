/**
 * `node bench/real-stalls.mjs [--data DIR] [--rounds 2] [--cases REGEX] [--no-write]`: whether a profile finds the stalls of
 * real photographs. A device that takes 53 ms for a batch of 64, by a timer, is fed from JPEGs by one worker, from storage
 * of 20 MB/s, and from pixels; `--apply` takes a second worker. DIR (default PEER_DATA) has photographs in `train`, one
 * folder a class; they are converted once, under DIR/millrace. Writes bench/results/real-stalls.json and the table of
 * docs/profile-truth.md, where no case was left out by `--cases`. Exits with 1 if a verdict is wrong, and says which.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { writeDocs } from "./loader/docs-table.mjs";
import { BATCH_SIZE, CASES, runCase, SLOW_STORAGE, STEP_MS } from "./real-stalls/cases.mjs";
import { misses, textOf } from "./real-stalls/table.mjs";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    data: { type: "string", default: process.env.PEER_DATA ?? "data" },
    rounds: { type: "string", default: "2" },
    cases: { type: "string", default: "" },
    write: { type: "boolean", default: true },
  },
});
const rounds = Number(values.rounds);
/** What is written keeps five digits behind the point. */
const rounded = (_, value) => (typeof value === "number" ? Number(value.toFixed(5)) : value);
const chosen = new RegExp(values.cases, "u");
const cases = CASES.filter(({ name }) => chosen.test(name)).map((one) => ({ ...one, runs: [] }));

const start = performance.now();
for (let round = 0; round < rounds; round++) {
  for (const one of cases) {
    const run = await runCase(values.data, one);
    one.runs.push(run);
    console.log(`${round + 1}  ${one.name.padEnd(40)} ${run.verdict}  ${JSON.stringify(run)}`);
  }
}
const results = {
  bench: "real-stalls",
  date: new Date().toISOString().slice(0, 10),
  cpu: cpus()[0]?.model,
  cores: availableParallelism(),
  node: process.version,
  rounds,
  seconds: Math.round((performance.now() - start) / 1000),
  batchSize: BATCH_SIZE,
  stepMs: STEP_MS,
  slowStorageBytesPerSec: SLOW_STORAGE,
  cases: cases.map(({ name, options, expected, change, runs }) => ({ name, options, expected, change, runs })),
};
console.log(`\n${textOf(results)}\n\n${results.seconds} s`);
if (values.write && values.cases === "") {
  const json = JSON.stringify(results, rounded, 2);
  writeFileSync(new URL("results/real-stalls.json", import.meta.url), `${json}\n`);
  writeDocs("real-stalls", textOf(JSON.parse(json)), new URL("../docs/profile-truth.md", import.meta.url));
}
if (misses(results).length > 0) process.exitCode = 1;
