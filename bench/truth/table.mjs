/** Rows of bench/results/truth.json out of their runs, whether they keep the bars, and the tables of docs/profile-truth.md. */
import { arithmetic } from "./cells.mjs";
import { markdownTable } from "../loader/docs-table.mjs";

/** Most that an attribution may be off, as a share of wall, in the median of a cell's runs. */
export const ATTRIBUTION_BAR = 0.04;
/** From this pressure on a run counts as disturbed, see pressure.mjs. */
const DISTURBED = 0.2;

/** @param {readonly number[]} numbers */
export const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** @param {number} value */
const percent = (value) => `${(100 * value).toFixed(1)} %`;

/** @param {{ kind: string, cause?: string | undefined }} verdict */
const verdictText = ({ kind, cause }) => (cause === undefined ? kind : `${kind}, ${cause}`);

/** What most say. @param {readonly string[]} texts */
function most(texts) {
  const count = (text) => texts.filter((other) => other === text).length;
  return texts.toSorted((a, b) => count(b) - count(a))[0] ?? "";
}

/** The medians of the parts, as shares of wall. @param {readonly Record<string, number>[]} list */
function sharesOf(list) {
  const share = (part) => median(list.map((parts) => parts[part] / parts.wallMs));
  return {
    fetch: share("fetchMs"),
    prep: share("prepMs"),
    compute: share("computeMs"),
    other: share("otherMs"),
  };
}

/**
 * @param {import("./cells.mjs").Cell} cell
 * @param {readonly Awaited<ReturnType<typeof import("./run-cell.mjs").runCell>>[]} runs
 */
export function cellRow(cell, runs) {
  const { kind, cause, isTie, stallMs, fetchMs, prepMs, computeMs, wallMs } = arithmetic(cell);
  const errors = runs.map(({ error }) => error);
  const verdicts = runs.map(({ verdict }) => verdictText(verdict));
  const trueVerdict = verdictText({ kind, cause });
  const { name, batchSize: _, ...injected } = cell;
  return {
    name,
    injected,
    arithmetic: {
      stall: stallMs / wallMs,
      fetch: fetchMs / wallMs,
      prep: prepMs / wallMs,
      compute: computeMs / wallMs,
    },
    truth: sharesOf(runs.map(({ truth }) => truth)),
    attributed: sharesOf(runs.map(({ attributed }) => attributed)),
    error: median(errors),
    errors,
    trueVerdict,
    verdict: most(verdicts),
    rightVerdicts: verdicts.filter((text) => text === trueVerdict).length,
    isTie,
    pressures: runs.map(({ machine }) => machine.pressure),
    foreign: runs.map(({ machine }) => machine.foreign),
    stolen: runs.map(({ machine }) => machine.stolen),
  };
}

/**
 * @param {typeof import("./predictions.mjs").PREDICTIONS[number]} prediction
 * @param {readonly Awaited<ReturnType<typeof import("./run-cell.mjs").runPrediction>>[]} runs
 */
export function predictionRow({ name, kind, bar, from }, runs) {
  const { kind: trueKind } = arithmetic(from);
  const rate = (of) => median(runs.map((run) => run[of] ?? Number.NaN));
  const errors = runs.map(({ error }) => error);
  return {
    name,
    kind,
    beforePerSec: rate("beforePerSec"),
    predictedPerSec: rate("predictedPerSec"),
    measuredPerSec: rate("measuredPerSec"),
    error: median(errors.map(Math.abs)),
    errors,
    bar,
    trueVerdict: verdictText({ kind: trueKind, cause: limitOf(from) }),
    verdict: most(runs.map(({ verdict }) => verdictText(verdict))),
    pressures: runs.map(({ machine }) => machine.pressure),
  };
}

/**
 * The cause that phases can tell: storage that is shared is the limit as soon as it is slower than the workers, though
 * they prepare while it gathers what it gives next.
 * @param {import("./cells.mjs").Cell} cell
 */
function limitOf(cell) {
  const { latencyMs, prepMs, storageMs, numWorkers } = cell;
  return numWorkers * storageMs > latencyMs + prepMs ? "fetch" : arithmetic(cell).cause;
}

/** What misses a bar, one line each. @param {{ cells: any[], predictions: any[] }} results */
export function misses({ cells, predictions }) {
  const lines = [];
  for (const { name, error, isTie, verdict, trueVerdict } of cells) {
    if (!(error <= ATTRIBUTION_BAR))
      lines.push(`${name}: attribution is off by ${percent(error)} of wall, the bar is ${percent(ATTRIBUTION_BAR)}`);
    if (!isTie && verdict !== trueVerdict) lines.push(`${name}: the verdict is "${verdict}", true is "${trueVerdict}"`);
  }
  for (const { name, error, bar, verdict, trueVerdict } of predictions) {
    if (!(error <= bar)) lines.push(`${name}: the prediction is off by ${percent(error)}, the bar is ${percent(bar)}`);
    if (verdict !== trueVerdict) lines.push(`${name}: the verdict is "${verdict}", true is "${trueVerdict}"`);
  }
  return lines;
}

/** Least and most of a list, in percent. @param {readonly number[]} list */
const range = (list) => `${(100 * Math.min(...list)).toFixed(1)} to ${(100 * Math.max(...list)).toFixed(1)}`;

/** Both figures of a part, in percent of wall. @param {any} row @param {string} part */
const both = ({ truth, attributed }, part) =>
  `${(100 * truth[part]).toFixed(1)} / ${(100 * attributed[part]).toFixed(1)}`;

/** @param {any} row */
const cellCells = (row) => [
  row.name,
  row.isTie ? `${row.verdict} (a tie)` : row.verdict,
  `${row.rightVerdicts} of ${row.errors.length}`,
  both(row, "fetch"),
  both(row, "prep"),
  both(row, "compute"),
  (100 * row.attributed.other).toFixed(1),
  percent(row.error),
  range(row.errors),
  percent(median(row.pressures)),
];

/** @param {any} row */
const predictionCells = (row) => [
  row.name,
  row.verdict,
  row.beforePerSec.toFixed(0),
  row.predictedPerSec.toFixed(0),
  row.measuredPerSec.toFixed(0),
  percent(row.error),
  range(row.errors),
  percent(row.bar),
];

/** Markdown of all. @param {any} results */
export function textOf(results) {
  const { date, cpu, cores, node, rounds, cells, predictions, leftOut } = results;
  const runs = [...cells, ...predictions].flatMap(({ pressures }) => pressures);
  const disturbed = runs.filter((pressure) => pressure > DISTURBED).length;
  const missed = misses(results);
  const worst = Math.max(...cells.map(({ error }) => error));
  const header = ["cell", "verdict", "right", "fetch", "prep", "compute", "other", "error", "its runs, %", "pressure"];
  const predictionHeader = [
    "from, and the change",
    "verdict",
    "before",
    "predicted",
    "measured",
    "error",
    "its runs, %",
    "bar",
  ];
  return [
    `${date}, ${cores} cores of ${cpu}, Node ${node}: ${cells.length} cells, ${rounds} runs of each, ${disturbed} of ${runs.length} runs disturbed by others. The largest error of a cell is ${percent(worst)} of wall, the bar is ${percent(ATTRIBUTION_BAR)}. Times in the names are ms a sample, of compute ms a batch.`,
    markdownTable(header, cells.map(cellCells), 2),
    "Predictions, in samples a second:",
    markdownTable(predictionHeader, predictions.map(predictionCells), 2),
    ...(leftOut.length === 0 ? [] : [`Left out: ${leftOut.map(({ name, why }) => `${name} (${why})`).join("; ")}.`]),
    missed.length === 0 ? "Every bar is kept." : `Missed:\n\n${missed.map((line) => `- ${line}`).join("\n")}`,
  ].join("\n\n");
}
