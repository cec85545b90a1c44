import { checkWritable, fileError, StateError } from "@millrace/formats";
import { appendFile, readFile } from "node:fs/promises";
import { z } from "zod";
import type { Fact, ProfileReport } from "../report/report.js";
import { percent, VERDICTS, type VerdictKind } from "./verdict.js";

/** One measured run, a line of a history. */
export interface HistoryEntry {
  readonly historyVersion: 1;
  /** When it ended, ISO 8601. */
  readonly when: string;
  /** What was loaded: a path, or any name. Runs are compared with those of the same one. */
  readonly dataset: string;
  readonly setting: HistorySetting;
  readonly verdict: VerdictKind;
  /** `undefined` where batches do not say how many samples they hold. */
  readonly samplesPerSec?: number | undefined;
  /** What was changed before this run; `undefined` for a run that nothing was changed for. */
  readonly change?: string | undefined;
  /** What the model predicted for it. */
  readonly predictedPerSec?: number | undefined;
}

/** Where a run is written down, and what it is compared with. */
export interface HistoryOptions {
  /** A file of one JSON object a line; it is made if there is none. */
  readonly file: string;
  /**
   * What is loaded: a path, or any name. Runs are compared with those of the same text, so give a path in full, as
   * `fs.realpath` does; `millrace profile` does so.
   */
  readonly dataset: string;
  /** What was changed for this run, and what was predicted for it. */
  readonly applied?: { readonly name: string; readonly predictedPerSec: number } | undefined;
  /** Tells the date. Default: the system's. */
  readonly now?: (() => Date) | undefined;
}

/** How the loader of a run was opened. */
export interface HistorySetting {
  readonly batchSize?: number | undefined;
  readonly numWorkers?: number | undefined;
  readonly prefetchDepth?: number | undefined;
}

const Count = z.int().min(0).optional();

const EntrySchema = z.object({
  historyVersion: z.literal(1),
  when: z.iso.datetime(),
  dataset: z.string(),
  setting: z.object({ batchSize: Count, numWorkers: Count, prefetchDepth: Count }),
  verdict: z.enum(VERDICTS),
  samplesPerSec: z.number().min(0).optional(),
  change: z.string().optional(),
  predictedPerSec: z.number().min(0).optional(),
}) as unknown as z.ZodType<HistoryEntry>;

/**
 * Reads a history, oldest run first; empty if there is no such file.
 * @throws {@link StateError} if a line is no run, {@link FileError} if the system refuses. Nothing is written.
 */
export async function readHistory(file: string): Promise<HistoryEntry[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError(file, "read the history", error);
  }
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.pop() !== "") throw broken(file, lines.length + 1, "the line does not end");
  return lines.map((line, index) => entryOf(file, line, index + 1));
}

function entryOf(file: string, line: string, number: number): HistoryEntry {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch (error) {
    throw broken(file, number, (error as Error).message, error);
  }
  const parsed = EntrySchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw broken(file, number, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is wrong"}`);
}

function broken(file: string, line: number, found: string, cause?: unknown): StateError {
  return new StateError({
    file,
    problem: `line ${line} is no run of a profile's history`,
    expected: "one JSON object a line, historyVersion 1",
    found,
    fix: "mend or remove that line, or name another file; nothing was written",
    cause,
  });
}

/**
 * Adds a run to a history, or begins one.
 * @throws {@link FileError} if the system refuses.
 */
export async function appendHistory(file: string, entry: HistoryEntry): Promise<void> {
  try {
    await appendFile(file, `${JSON.stringify(entry)}\n`);
  } catch (error) {
    throw fileError(file, "write the history", error);
  }
}

/** Earlier runs that a report shows, at most. */
const SHOWN = 5;

/** The newest runs of a dataset as facts of a report: `before: 2026-05-01 12:00, 1 worker, ...`. */
export function historyFacts(entries: readonly HistoryEntry[], dataset: string): Fact[] {
  return entries
    .filter((entry) => entry.dataset === dataset)
    .slice(-SHOWN)
    .map((entry) => ({ name: "before", value: historyText(entry) }));
}

/**
 * A history that was read before a run, so that a broken file, or one that cannot be written, is found before minutes are
 * spent.
 */
export class RunHistory {
  private constructor(
    readonly options: HistoryOptions,
    /** The runs before as facts of a report. */
    readonly facts: readonly Fact[],
  ) {}

  /** @throws what {@link readHistory} throws, and {@link FileError} if the file cannot be written. */
  static async read(options: HistoryOptions): Promise<RunHistory> {
    const entries = await readHistory(options.file);
    await checkWritable(options.file, "append");
    return new RunHistory(options, historyFacts(entries, options.dataset));
  }

  /**
   * The report with the runs before as facts. Writes the run down, if it did not fail; where the system refuses that after
   * all, the report has it as a warning: it must not be lost for a line of a file.
   */
  async finish(report: ProfileReport, setting: HistorySetting): Promise<ProfileReport> {
    const finished = { ...report, facts: [...report.facts, ...this.facts] };
    if (report.failure !== undefined) return finished;
    try {
      await appendHistory(this.options.file, this.#entryOf(report, setting));
      return finished;
    } catch (error) {
      const text = `The run is not in the history: ${(error as Error).message}`;
      return { ...finished, warnings: [...report.warnings, { code: "no-history", text }] };
    }
  }

  #entryOf({ verdict, throughput }: ProfileReport, setting: HistorySetting): HistoryEntry {
    const { dataset, applied, now = () => new Date() } = this.options;
    const { batchSize, numWorkers, prefetchDepth } = setting;
    return {
      historyVersion: 1,
      when: now().toISOString(),
      dataset,
      setting: { batchSize, numWorkers, prefetchDepth },
      verdict: verdict.kind,
      samplesPerSec: throughput.samplesPerSec,
      change: applied?.name,
      predictedPerSec: applied?.predictedPerSec,
    };
  }
}

/** A run in one line. */
export function historyText(entry: HistoryEntry): string {
  const { when, verdict, samplesPerSec, change, predictedPerSec } = entry;
  const measured = samplesPerSec === undefined ? "throughput unknown" : `${samplesPerSec.toFixed(0)} samples/s`;
  const head = [`${when.slice(0, 10)} ${when.slice(11, 16)}`, ...settingTexts(entry.setting)].join(", ");
  if (change === undefined || predictedPerSec === undefined || samplesPerSec === undefined)
    return `${head}: ${verdict}, ${measured}`;
  const off = samplesPerSec > 0 ? ` (${percent(Math.abs(predictedPerSec / samplesPerSec - 1))} off)` : "";
  return `${head}: ${verdict}, ${measured} after ${change}, predicted ${predictedPerSec.toFixed(0)}${off}`;
}

function settingTexts({ batchSize, numWorkers, prefetchDepth }: HistorySetting): string[] {
  return [
    ...(batchSize === undefined ? [] : [`batches of ${batchSize}`]),
    ...(numWorkers === undefined ? [] : [`${numWorkers} worker${numWorkers === 1 ? "" : "s"}`]),
    ...(prefetchDepth === undefined ? [] : [`prefetch depth ${prefetchDepth}`]),
  ];
}
