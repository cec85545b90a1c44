import { printable } from "@millrace/formats";
import { settingText } from "./candidate-grid.js";
import { accuracyText, comparisonRows } from "./comparison-rows.js";
import type { CandidateReport, CompressReport, CompressSetting, LinkReport } from "./compress-report.js";
import { bytesText, countText, factorText, pointsText } from "./size-text.js";

/** Candidates that a failed search names. */
const NEAREST = 3;

/**
 * A report of compression as text for a terminal: the outcome in one sentence, before beside after, every setting that was
 * tried, what the smaller model asks of the input, and what limits the figures. Control characters in names from outside
 * are escaped.
 */
export function formatCompressReport(report: CompressReport): string {
  const sections = [
    [outcomeSentence(report)],
    report.facts.map(({ name, value }) => `${name}: ${value}`),
    comparisonLines(report),
    candidateLines(report.candidates, report.chosen),
    linkLines(report.link),
    report.warnings.length === 0 ? [] : ["Keep in mind", ...report.warnings.map(({ text }) => `  - ${text}`)],
  ];
  const lines = sections.filter((section) => section.length > 0).map((section) => section.map(printable).join("\n"));
  return `${lines.join("\n\n")}\n`;
}

/** What came of it, in one sentence. */
export function outcomeSentence(report: CompressReport): string {
  const { before, after, chosen, maxAccuracyDrop } = report;
  const allowed = `${pointsText(maxAccuracyDrop)} points allowed`;
  if (after === undefined || chosen === undefined)
    return `not met: no setting stays within the loss (${allowed}); nearest: ${nearestText(report)}`;
  const factor = factorText(before.bytes.float32 / after.bytes.packed);
  const files = `${bytesText(before.bytes.float32)} -> ${bytesText(after.bytes.packed)}`;
  const accuracy = `accuracy ${pointsText(before.accuracy.value)} % -> ${pointsText(after.accuracy.value)} %`;
  return `${factor} smaller: ${files}, ${accuracy} (${allowed}), by ${settingText(chosen)}`;
}

/** The candidates that came nearest to what was allowed, in one clause. */
export function nearestText({ candidates }: CompressReport): string {
  const lost = candidates
    .flatMap(({ setting, accuracyDrop }) => (accuracyDrop === undefined ? [] : [{ setting, accuracyDrop }]))
    .toSorted((a, b) => a.accuracyDrop - b.accuracyDrop);
  const named = lost
    .slice(0, NEAREST)
    .map(({ setting, accuracyDrop }) => `${settingText(setting)} loses ${pointsText(accuracyDrop)}`);
  return named.length === 0 ? "none was tried" : named.join("; ");
}

/** Rows as aligned columns, the first to the left and the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function comparisonLines({ before, after }: CompressReport): string[] {
  const rows = comparisonRows(before, after ?? before);
  if (after === undefined)
    return table([["", "before"], ...rows.map((row) => [row.name, row.before])]).map((line) => line.trimEnd());
  return table([["", "before", "after", ""], ...rows.map((row) => [row.name, row.before, row.after, row.change])]);
}

function candidateLines(candidates: readonly CandidateReport[], chosen: CompressSetting | undefined): string[] {
  const tried = candidates.flatMap(({ setting, outcome, model, accuracyDrop, isOnFront }) => {
    if (model === undefined || accuracyDrop === undefined) return [];
    const { filterShare, sparsity, bits } = setting;
    const mark = isChosen(setting, chosen) ? "chosen" : outcome === "within" && isOnFront ? "on the front" : outcome;
    const { nonZero, macs, bytes, accuracy } = model;
    const sizes = [countText(nonZero), countText(macs), bytesText(bytes.packed)];
    const of = [String(filterShare), String(sparsity), String(bits)];
    return [[...of, accuracyText(accuracy), pointsText(-accuracyDrop), ...sizes, mark]];
  });
  const header = ["filters", "sparsity", "bits", "accuracy", "points", "not 0", "multiply-adds", "packed", ""];
  return [...table([header, ...tried]), ...skippedLines(candidates)];
}

/** What was not tried, by its reason: `12 not tried: filters 1, sparsity 0.95, 32 bits has lost too much`. */
export function skippedLines(candidates: readonly CandidateReport[]): string[] {
  const counts = new Map<string, number>();
  for (const { outcome, reason } of candidates)
    if (outcome === "skipped") counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} not tried: ${reason}`);
}

/** True for the setting that was chosen, also where the two come from a file. */
export function isChosen(setting: CompressSetting, chosen: CompressSetting | undefined): boolean {
  return chosen !== undefined && settingText(setting) === settingText(chosen);
}

function linkLines(link: LinkReport | undefined): string[] {
  if (link === undefined) return [];
  return ["The input", `  ${link.text}`, ...linkMeasured(link).map((line) => `  ${line}`)];
}

/** What was measured of the smaller model in a run, beside what was predicted; nothing where it was not. */
export function linkMeasured({ afterPerSec, measuredPerSec }: LinkReport): string[] {
  if (measuredPerSec === undefined || !(afterPerSec > 0)) return [];
  const error = 100 * (measuredPerSec / afterPerSec - 1);
  const off = Math.abs(error) < 0.5 ? "0 %" : `${error > 0 ? "+" : ""}${error.toFixed(0)} %`;
  return [
    `Run at the present setting: predicted ${rate(afterPerSec)} samples/s, measured ${rate(measuredPerSec)} (${off}).`,
  ];
}

function rate(samplesPerSec: number): string {
  return samplesPerSec.toLocaleString("en-US", { maximumFractionDigits: 0 });
}
