import { printable } from "@millrace/formats";
import type { Advice } from "../profile/advice.js";
import { percent } from "../profile/verdict.js";
import { digits } from "./digits.js";
import type { Report, TrainReport } from "./report.js";
import { budgetRows } from "./rows.js";
import { verdictSentence } from "./sentence.js";
import { appliedLines, causesLines, phaseLines, whatIfLines } from "./text-phases.js";

/** Characters of a bar that stands for all of the time. */
const BAR = 40;
/** A full cell last; before it the eighths of one. */
const CELLS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/**
 * A report as text for a terminal: the verdict in one sentence, the budget as bars, the phases, named causes, ranked
 * advice, what changes would bring and what those that were made did bring, what limits the figures, and what the
 * measuring cost. Control characters in names from outside are escaped.
 */
export function formatReport(report: Report): string {
  const profiled = report.kind === "profile" ? report : undefined;
  const sections = [
    [verdictSentence(report)],
    [...report.facts.map(({ name, value }) => `${name}: ${value}`), throughputLine(report)],
    ...(report.kind === "train" ? [epochLines(report)] : []),
    budgetLines(report),
    ...(profiled?.phases === undefined ? [] : [phaseLines(profiled.phases)]),
    causesLines(report),
    list("What to change", report.advice, adviceLine),
    whatIfLines(profiled?.whatIf ?? [], profiled?.phases?.uncertainty),
    appliedLines(profiled?.applied ?? []),
    list("Keep in mind", report.warnings, (warning) => `- ${warning.text}`),
    [costLine(report)],
  ];
  const lines = sections.filter((section) => section.length > 0).map((section) => section.map(printable).join("\n"));
  return `${lines.join("\n\n")}\n`;
}

function adviceLine({ text, gain, isPredicted }: Advice, index: number): string {
  const label = isPredicted === true ? "Predicted gain:" : "Gain: at most";
  return `${index + 1}. ${text}${gain === undefined ? "" : ` ${label} ${gain.toFixed(2)}x.`}`;
}

function list<T>(title: string, items: readonly T[], line: (item: T, index: number) => string): string[] {
  return items.length === 0 ? [] : [title, ...items.map((item, index) => `  ${line(item, index)}`)];
}

/** Throughput and the steps it comes from, in one line. */
export function throughputLine(report: Report): string {
  const { samplesPerSec, stepsPerSec } = report.throughput;
  const samples = samplesPerSec === undefined ? "" : `${digits(samplesPerSec)} samples/s, `;
  const warmup = report.kind === "profile" && report.warmupSteps > 0 ? ` after ${report.warmupSteps} of warm-up` : "";
  return `${samples}${digits(stepsPerSec)} steps/s over ${report.budget.steps} steps${warmup}`;
}

/** What the measuring cost, in one line. */
export function costLine(report: Report): string {
  const { cost } = report;
  const spans = `${cost.spans} spans of ${Math.round(cost.spanNs)} ns`;
  const fences =
    cost.idleFenceMs === undefined
      ? "no fences"
      : `${cost.fences} fences of ${cost.idleFenceMs.toFixed(3)} ms on an idle device (${digits(cost.fenceWaitMs)} ms waited in all)`;
  return `Measuring cost ${percent(cost.fraction)} of the time: ${spans}, ${fences}.`;
}

function bar(fraction: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * BAR * 8);
  return (CELLS[8] as string).repeat(Math.floor(eighths / 8)) + (CELLS[eighths % 8] as string);
}

function budgetLines(report: Report): string[] {
  const heading = `${" ".repeat(18 + BAR)}${["p50", "p95", "p99"].map((name) => `${name} ms`.padStart(9)).join("")}`;
  const rows = budgetRows(report.budget).map(({ name, level, summary }) => {
    const label = `${"  ".repeat(level)}${name}`.padEnd(9);
    const share = percent(summary.fraction).padStart(7);
    const times = [summary.p50Ms, summary.p95Ms, summary.p99Ms].map((ms) => digits(ms).padStart(9)).join("");
    return `${label}${share}  ${name === "step" ? " ".repeat(BAR) : bar(summary.fraction).padEnd(BAR)}${times}`;
  });
  const { overlappedCopyMs } = report.budget;
  if (overlappedCopyMs > 0) rows.push(`Copies of ${digits(overlappedCopyMs)} ms in all were hidden and cost nothing.`);
  return [heading, ...rows];
}

function epochLines(report: TrainReport): string[] {
  return report.epochs.map((epoch) => {
    const accuracy = epoch.accuracy === undefined ? "" : `, accuracy ${(epoch.accuracy * 100).toFixed(2)} %`;
    const validation =
      epoch.validation === undefined
        ? ""
        : `; validation loss ${epoch.validation.loss.toFixed(4)}, accuracy ${(epoch.validation.accuracy * 100).toFixed(2)} %`;
    return `epoch ${epoch.epoch + 1}: loss ${epoch.loss.toFixed(4)}${accuracy}, ${digits(epoch.samplesPerSec)} samples/s${validation}`;
  });
}
