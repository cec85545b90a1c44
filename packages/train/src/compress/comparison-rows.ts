import type { ModelReport } from "./compress-report.js";
import { bytesText, countText, factorText, msText, pointsText } from "./size-text.js";

/** A line of the comparison of two models. */
export interface ComparisonRow {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** `12x fewer`, or empty where a factor means nothing. */
  readonly change: string;
  /** True where the smaller model is worse than the one before. */
  readonly isWorse: boolean;
}

/** From so many times what was before on, a figure is shown as worse. */
const WORSE = 1.05;

/** The figures of a model before and after, in the order in which reports show them. */
export function comparisonRows(before: ModelReport, after: ModelReport): ComparisonRow[] {
  const [was, is] = [before.bytes, after.bytes];
  const [fast, faster] = [before.speed, after.speed];
  const latencies = fast?.latency ?? [];
  return [
    accuracyRow(before, after),
    row("parameters", before.parameters, after.parameters, countText, "fewer"),
    row("weights that are not 0", before.nonZero, after.nonZero, countText, "fewer"),
    row("multiply-adds a sample", before.macs, after.macs, countText, "fewer"),
    row("file: as given, packed", was.float32, is.packed, bytesText, "smaller"),
    row("both as float32 files", was.float32, is.float32, bytesText, "smaller"),
    row("both by gzip", was.gzip, is.gzip, bytesText, "smaller"),
    row("both packed", was.packed, is.packed, bytesText, "smaller"),
    ...(fast === undefined || faster === undefined
      ? []
      : [
          row("load, ms", fast.loadMs, faster.loadMs, msText, "faster"),
          ...latencies.flatMap(({ batchSize, p50Ms, p95Ms }, index) => {
            const other = faster.latency[index];
            if (other === undefined) return [];
            return [
              row(`forward of ${batchSize}, p50 ms`, p50Ms, other.p50Ms, msText, "faster"),
              row(`forward of ${batchSize}, p95 ms`, p95Ms, other.p95Ms, msText, "faster"),
            ];
          }),
          row("peak memory", fast.peakMemoryBytes, faster.peakMemoryBytes, bytesText, "less"),
        ]),
  ];
}

function accuracyRow({ accuracy: before }: ModelReport, { accuracy: after }: ModelReport): ComparisonRow {
  const lost = before.value - after.value;
  const change = lost > 0 ? `-${pointsText(lost)} points` : `+${pointsText(-lost)} points`;
  return { name: "accuracy", before: accuracyText(before), after: accuracyText(after), change, isWorse: lost > 0 };
}

/** An accuracy with its interval: `99.05 % (98.8 to 99.2)`. */
export function accuracyText({ value, interval }: ModelReport["accuracy"]): string {
  return `${pointsText(value)} % (${(100 * interval.low).toFixed(1)} to ${(100 * interval.high).toFixed(1)})`;
}

const OPPOSITES: ReadonlyMap<string, string> = new Map([
  ["fewer", "more"],
  ["smaller", "larger"],
  ["faster", "slower"],
  ["less", "more"],
]);

function row(
  name: string,
  before: number,
  after: number,
  text: (value: number) => string,
  better: string,
): ComparisonRow {
  const isWorse = after > WORSE * before;
  return { name, before: text(before), after: text(after), change: changeText(before, after, better), isWorse };
}

/** `12x fewer`, `1.3x slower`, or `the same`. */
function changeText(before: number, after: number, better: string): string {
  if (before === after) return "the same";
  const factor = before / after;
  return factor >= 1 ? `${factorText(factor)} ${better}` : `${factorText(1 / factor)} ${OPPOSITES.get(better) ?? ""}`;
}
