import { percent } from "../profile/verdict.js";
import { causeLines, LAG_NOTE } from "./causes-text.js";
import { digits } from "./digits.js";
import { comparisonText, errorText, isLowest, NEEDS_TEXT, PHASE_LABELS } from "./phase-names.js";
import type { AppliedReport, PhasesReport, Report, WhatIfRow } from "./report.js";

/** Characters of the first column of a table. */
const NAME = 42;
/** Rows of what-if that a terminal shows. */
const SHOWN = 8;

function row(name: string, ...cells: readonly string[]): string {
  return `  ${name.padEnd(NAME)}${cells.map((cell) => cell.padStart(11)).join("")}`;
}

function rate(samplesPerSec: number): string {
  return samplesPerSec === Infinity ? "no limit" : digits(samplesPerSec);
}

/** The phases as a table with their lowest, then what follows from them. */
export function phaseLines(report: PhasesReport): string[] {
  const { phases, inRunSamplesPerSec } = report;
  const rows = phases.map((phase) => {
    const { name, samplesPerSec, spread, note } = phase;
    const { name: label, letter } = PHASE_LABELS[name];
    if (samplesPerSec === undefined) return row(`${label} (${letter})`, "-").concat(`  ${note}`);
    const lowest = isLowest(phase, report) ? ["lowest"] : [];
    return row(`${label} (${letter})`, digits(samplesPerSec), percent(spread ?? 0), ...lowest);
  });
  return [
    `${"Measured one by one".padEnd(NAME + 2)}${"samples/s".padStart(11)}${"+-".padStart(11)}`,
    ...rows,
    row("all together, in the run", digits(inRunSamplesPerSec)),
    `  ${comparisonText(report)}`,
    ...(report.residency === "" ? [] : [`  ${report.residency}`]),
  ];
}

/** What changes would bring, as a table. */
export function whatIfLines(rows: readonly WhatIfRow[], uncertainty: number | undefined): string[] {
  if (rows.length === 0) return [];
  const shown = rows.slice(0, SHOWN).map(({ name, samplesPerSec, gain, bound, needs }) => {
    const cells = row(name, rate(samplesPerSec), `${(1 + gain).toFixed(2)}x`, bound);
    return NEEDS_TEXT[needs] === "" ? cells : `${cells}  ${NEEDS_TEXT[needs]}`;
  });
  const heading = ["samples/s", "gain", "then bound"].map((name) => name.padStart(11)).join("");
  const title = uncertainty === undefined ? "What if (predicted)" : `What if (give or take ${percent(uncertainty)})`;
  return [`${title.padEnd(NAME + 2)}${heading}`, ...shown];
}

/** Changes that were made: predicted beside measured. */
export function appliedLines(applied: readonly AppliedReport[]): string[] {
  if (applied.length === 0) return [];
  const lines = applied.map((entry) => {
    const { name, beforePerSec, predictedPerSec, measuredPerSec, before, after } = entry;
    const predicted = `predicted ${rate(predictedPerSec)}, ${errorText(entry)}`;
    const verdicts = before === after ? `still ${after}` : `${before} -> ${after}`;
    return `  ${name}: ${rate(beforePerSec)} -> ${rate(measuredPerSec)} samples/s (${predicted}); ${verdicts}`;
  });
  return ["Changed, and measured again", ...lines];
}

/** Named causes beside the budget. */
export function causesLines(report: Report): string[] {
  const lines = causeLines(report).map(({ name, text }) => `  ${name.padEnd(20)}${text}`);
  if (lines.length === 0) return [];
  return ["Beside the budget", ...lines, ...(report.causes === undefined ? [] : [`  ${LAG_NOTE}`])];
}
