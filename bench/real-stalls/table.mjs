/** Whether the runs of bench/real-stalls.mjs found what they had to, and its table of docs/profile-truth.md. */
import { isDeepStrictEqual } from "node:util";
import { markdownTable } from "../loader/docs-table.mjs";

/** Most that the prediction of a change may be off. */
const PREDICTION_BAR = 0.1;

/** What a run missed, in words; nothing if it found what is true. @param {any} one @param {any} run */
function missesOf({ name, expected, change }, { verdict, agrees, applied }) {
  const lines = [];
  if (verdict !== expected) lines.push(`${name}: the verdict is "${verdict}", true is "${expected}"`);
  if (agrees !== true) lines.push(`${name}: the phases do not confirm the verdict`);
  if (change === undefined) return lines;
  if (!isDeepStrictEqual(applied?.change, change)) lines.push(`${name}: applied was ${applied?.name ?? "nothing"}`);
  if (!(Math.abs(applied?.errorFraction) <= PREDICTION_BAR))
    lines.push(`${name}: the prediction is off by ${percent(applied?.errorFraction ?? Number.NaN)}`);
  return lines;
}

/** What misses a bar, one line each. @param {{ cases: any[] }} results */
export const misses = ({ cases }) => cases.flatMap((one) => one.runs.flatMap((run) => missesOf(one, run)));

/** @param {number} fraction */
const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;

/** @param {number | undefined} value */
const whole = (value) => (value === undefined ? "–" : value.toFixed(0));

/** The change that was made, with what was predicted and measured. @param {any} run */
function appliedText({ applied }) {
  if (applied === undefined) return "–";
  const { name, before, beforePerSec, predictedPerSec, measuredPerSec, after } = applied;
  return `${name}: ${before} at ${whole(beforePerSec)} to ${after} at ${whole(measuredPerSec)}, predicted ${whole(predictedPerSec)}`;
}

/** Markdown of all; the figures of a case are those of its first run. @param {any} results */
export function textOf(results) {
  const { date, cpu, cores, node, rounds, cases } = results;
  const header = ["run", "verdict", "right", "change that was made", "img/s", "step", "in memory", "cold"];
  const rows = cases.map((one) => {
    const [run] = one.runs;
    const right = one.runs.filter((other) => missesOf(one, other).length === 0).length;
    return [
      one.name,
      run.verdict,
      `${right} of ${one.runs.length}`,
      appliedText(run),
      ...[run.perSec, run.stepPerSec, run.memoryPerSec, run.coldPerSec].map(whole),
    ];
  });
  const missed = misses(results);
  return [
    `${date}, ${cores} cores of ${cpu}, Node ${node}, ${rounds} runs of each; the figures are those of the first.`,
    markdownTable(header, rows, 4),
    missed.length === 0 ? "All found what is true." : `Missed:\n\n${missed.map((line) => `- ${line}`).join("\n")}`,
  ].join("\n\n");
}
