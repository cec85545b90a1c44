import type { EpochProgress, StepsProgress, TrainProgress, ValidationProgress } from "../training/progress.js";
import type { LineFormat } from "./line-log.js";

/** The names of what a run tells, as the types of progress have them. */
const COLUMNS = [
  "kind",
  "step",
  "time",
  "epoch",
  "loss",
  "accuracy",
  "learningRate",
  "samplesPerSec",
  "stallFraction",
  "fetchStallFraction",
  "prepStallFraction",
  "copyFraction",
  "computeFraction",
  "otherFraction",
] as const;

type Row = Partial<Record<(typeof COLUMNS)[number], string | number | undefined>>;

/** RFC 4180, with a header, for a spreadsheet or a data frame: what has numbers to plot. No value needs quotes. */
export const CSV: LineFormat = {
  header: COLUMNS.join(","),
  encode(progress, timeMs) {
    if (!hasNumbers(progress)) return undefined;
    const row: Row = { ...progress, time: new Date(timeMs).toISOString() };
    return COLUMNS.map((column) => row[column] ?? "").join(",");
  },
  stepOf(line) {
    const [kind, step, ...rest] = line.split(",");
    if (kind === undefined || step === undefined || rest.length !== COLUMNS.length - 2) return undefined;
    return /^\d{1,15}$/u.test(step) ? Number(step) : undefined;
  },
};

function hasNumbers(progress: TrainProgress): progress is StepsProgress | ValidationProgress | EpochProgress {
  return progress.kind === "steps" || progress.kind === "validation" || progress.kind === "epoch";
}
