import type { SweepValue } from "./grid.js";

/** Why a run of a sweep failed. */
export interface SweepFailure {
  /** Of the error: `BACKEND`, for one; `UNKNOWN` for what is no error of millrace. */
  readonly code: string;
  readonly message: string;
}

/** One run of a sweep. Either `metrics` or `error` is there. */
export interface SweepRun {
  /** `learningRate=0.01,optimizer=adam`: the name of its folder, too. */
  readonly name: string;
  readonly settings: Readonly<Record<string, SweepValue>>;
  readonly metrics: Readonly<Record<string, number>> | undefined;
  readonly error: SweepFailure | undefined;
  readonly wallMs: number;
  /** It was finished by an earlier call, and not repeated. */
  readonly wasKept: boolean;
}

/** What a sweep found. */
export interface SweepReport {
  /** The metric that `runs` are sorted by. */
  readonly metric: string;
  readonly goal: "max" | "min";
  /** The best first; those without the metric, and then those that failed, last. */
  readonly runs: readonly SweepRun[];
}

/** The table of a sweep: a column for each option and metric, then the time, then why a run failed. */
export function sweepTable({ runs }: SweepReport): { readonly header: string[]; readonly rows: string[][] } {
  const options = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  const metrics = [...new Set(runs.flatMap(({ metrics: found }) => Object.keys(found ?? {})))];
  const hasFailures = runs.some(({ error }) => error !== undefined);
  return {
    header: [...options, ...metrics, "seconds", ...(hasFailures ? ["error"] : [])],
    rows: runs.map((run) => [
      ...options.map((option) => String(run.settings[option] ?? "")),
      ...metrics.map((metric) => shown(run.metrics?.[metric])),
      (run.wallMs / 1000).toFixed(1),
      ...(hasFailures ? [run.error?.message ?? ""] : []),
    ]),
  };
}

/** Five digits behind the point, less where they are zeros. */
function shown(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toFixed(5)));
}

/** The table as CSV (RFC 4180), with its header. */
export function sweepToCsv(report: SweepReport): string {
  const { header, rows } = sweepTable(report);
  return `${[header, ...rows].map((row) => row.map(quoted).join(",")).join("\n")}\n`;
}

/** The report as one JSON document. */
export function sweepToJson(report: SweepReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function quoted(cell: string): string {
  return /[",\r\n]/u.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
