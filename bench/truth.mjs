/**
 * `pnpm bench:truth [--rounds 5] [--cells REGEX] [--no-write]`: the profiler against injected truth. A grid of cells
 * with injected fetch, prep and compute; for each, how far off the time budget is, as a share of wall, and whether the
 * verdict is right; then predictions, each against a run with the change made. Rounds run all cells in turn, each round in
 * another order. Writes bench/results/truth.json and the tables of docs/profile-truth.md, where no cell was left out by
 * `--cells`. Exits with 1 if a bar is missed, and says which.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeDocs } from "./loader/docs-table.mjs";
import { CELLS, whyLeftOut } from "./truth/cells.mjs";
import { PREDICTIONS } from "./truth/predictions.mjs";
import { watchMachine } from "./truth/pressure.mjs";
import { makeData, runCell, runPrediction } from "./truth/run-cell.mjs";
import { cellRow, misses, predictionRow, textOf } from "./truth/table.mjs";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: "string", default: "5" },
    cells: { type: "string", default: "" },
    write: { type: "boolean", default: true },
  },
});
const rounds = Number(values.rounds);
/** What is written keeps five digits behind the point. */
const rounded = (_, value) => (typeof value === "number" ? Number(value.toFixed(5)) : value);
const chosen = new RegExp(values.cells, "u");
const cores = availableParallelism();

/** Why a task cannot run here; "" if it can. */
const whyNot = ({ cells }) => cells.map((cell) => whyLeftOut(cell, cores)).find((why) => why !== "") ?? "";

/** Every cell and prediction, with how one run of it is made and what its runs come to. */
const ALL = [
  ...CELLS.map((cell) => ({
    name: cell.name,
    cells: [cell],
    run: (folder) => runCell(folder, cell),
    row: (runs) => ["cells", cellRow(cell, runs)],
    runs: [],
  })),
  ...PREDICTIONS.map((prediction) => ({
    name: prediction.name,
    cells: [prediction.from, prediction.to],
    run: (folder) => runPrediction(folder, prediction),
    row: (runs) => ["predictions", predictionRow(prediction, runs)],
    runs: [],
  })),
];
const wanted = ALL.filter(({ name }) => chosen.test(name));
const tasks = wanted.filter((task) => whyNot(task) === "");
const leftOut = wanted.filter((task) => whyNot(task) !== "").map((task) => ({ name: task.name, why: whyNot(task) }));

/** One round, which begins with another task each time. */
async function runRound(folder, round) {
  const first = Math.floor((round * tasks.length) / rounds);
  for (const task of [...tasks.slice(first), ...tasks.slice(0, first)]) {
    const machine = watchMachine();
    const run = { ...(await task.run(folder)), machine: machine() };
    task.runs.push(run);
    const { pressure, foreign } = run.machine;
    const byWall = run.wallError === undefined ? "" : `  by wall ${(100 * run.wallError).toFixed(2)} %`;
    const figures = `${(100 * run.error).toFixed(2).padStart(7)} %${byWall}  pressure ${pressure.toFixed(2)}  foreign ${foreign.toFixed(2)}`;
    console.log(`${round + 1}  ${task.name.padEnd(56)} ${figures}  ${run.verdict.kind} ${run.verdict.cause ?? ""}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), "millrace-truth-"));
try {
  const start = performance.now();
  const data = await makeData(folder);
  for (let round = 0; round < rounds; round++) await runRound(data, round);
  const rows = tasks.map(({ row, runs }) => row(runs));
  const rowsOf = (kind) => rows.filter(([of]) => of === kind).map(([, row]) => row);
  const results = {
    bench: "truth",
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model,
    cores,
    node: process.version,
    rounds,
    seconds: Math.round((performance.now() - start) / 1000),
    cells: rowsOf("cells"),
    predictions: rowsOf("predictions"),
    leftOut,
  };
  console.log(`\n${textOf(results)}\n\n${results.seconds} s`);
  if (values.write && values.cells === "") {
    const json = JSON.stringify(results, rounded, 2);
    writeFileSync(new URL("results/truth.json", import.meta.url), `${json}\n`);
    writeDocs("truth", textOf(JSON.parse(json)), new URL("../docs/profile-truth.md", import.meta.url));
  }
  if (misses(results).length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
