import { isMillraceError, OptionError } from "@millrace/formats";
import { systemClock, type Clock } from "../clock.js";
import type { RunSettings } from "../logs/hyperparameters.js";
import { gridPoints, pointName, type SweepGrid, type SweepPoint } from "./grid.js";
import { SweepFolder } from "./sweep-folder.js";
import type { SweepFailure, SweepReport, SweepRun } from "./sweep-report.js";

/** What a run of a sweep is told. */
export interface SweepContext {
  /** Its own folder, for checkpoints and logs; `undefined` without the option `out`. */
  readonly dir: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** How to sweep. */
export interface SweepOptions<G extends SweepGrid> {
  /** The values to try: `{ learningRate: [0.001, 0.01], optimizer: ["adam", "sgd"] }`. */
  readonly grid: G;
  /** Does one run and returns its metrics. Seed it, so that runs differ in their settings alone. */
  readonly run: (point: SweepPoint<G>, context: SweepContext) => Promise<Readonly<Record<string, number>>>;
  /** What runs are sorted by. Default `accuracy`. */
  readonly metric?: string | undefined;
  /** Whether more or less of the metric is better. Default `max`. */
  readonly goal?: "max" | "min" | undefined;
  /** Folder in which finished runs are kept; the same call goes on where it stopped. Default: nothing is kept. */
  readonly out?: string | undefined;
  /** What all runs share. A folder that holds a sweep with other settings is refused. */
  readonly settings?: RunSettings | undefined;
  /** Told when a run has finished, failed or is found finished, with the number of runs done and of all. */
  readonly onRun?: ((run: SweepRun, done: number, total: number) => void) | undefined;
  readonly clock?: Clock | undefined;
  /** Stops the sweep; it rejects with the signal's reason, and finished runs are kept. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tries every combination of a grid, one after the other. A run that fails is listed and does not stop the others; the
 * same call with the same `out` repeats it, and does not repeat those that finished.
 *
 * ```ts
 * const report = await sweep({ grid: { learningRate: [0.001, 0.01] }, run: async ({ learningRate }) => ({ accuracy }) });
 * ```
 * @throws {@link OptionError} for an impossible grid, {@link StateError} if `out` holds another sweep or is damaged,
 * {@link FileError} if the system refuses, the signal's reason when it aborts.
 */
export async function sweep<const G extends SweepGrid>(options: SweepOptions<G>): Promise<SweepReport> {
  const { grid, metric = "accuracy", goal = "max", out, settings = {}, onRun, signal } = options;
  const points = gridPoints(grid);
  const folder = out === undefined ? undefined : await SweepFolder.open(out, settings);
  const runs: SweepRun[] = [];
  for (const point of points) {
    signal?.throwIfAborted();
    const run = (await folder?.readResult(pointName(point))) ?? (await runOne(point, options, folder));
    runs.push(run);
    onRun?.(run, runs.length, points.length);
  }
  return { metric, goal, runs: ranked(runs, metric, goal) };
}

async function runOne<G extends SweepGrid>(
  point: SweepPoint<G>,
  { run, metric = "accuracy", signal, clock = systemClock }: SweepOptions<G>,
  folder: SweepFolder | undefined,
): Promise<SweepRun> {
  const name = pointName(point);
  const dir = await folder?.runFolder(name);
  const start = clock.now();
  const made = (parts: Pick<SweepRun, "metrics" | "error">): SweepRun => ({
    name,
    settings: point,
    wallMs: clock.now() - start,
    wasKept: false,
    ...parts,
  });
  let metrics: Readonly<Record<string, number>>;
  try {
    metrics = await run(point, { dir, signal });
    checkMetrics(metrics, metric);
  } catch (error) {
    signal?.throwIfAborted();
    return made({ metrics: undefined, error: failureOf(error) });
  }
  const finished = made({ metrics, error: undefined });
  await folder?.writeResult(finished);
  return finished;
}

function checkMetrics(metrics: Readonly<Record<string, number>>, metric: string): void {
  const odd = [metric, ...Object.keys(metrics)].find((name) => !Number.isFinite(metrics[name]));
  if (odd === undefined) return;
  throw new OptionError({
    option: "run",
    problem: `a run tells no finite ${odd}`,
    expected: `finite numbers, ${metric} among them`,
    found: Object.entries(metrics)
      .map(([name, value]) => `${name} ${value}`)
      .join(", "),
  });
}

function failureOf(error: unknown): SweepFailure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: isMillraceError(error) ? error.code : "UNKNOWN", message };
}

/** The best first; equal ones, and those that failed, in the order of the grid. */
function ranked(runs: readonly SweepRun[], metric: string, goal: "max" | "min"): SweepRun[] {
  const sign = goal === "max" ? -1 : 1;
  const rank = ({ metrics }: SweepRun): number =>
    metrics === undefined ? Infinity : sign * (metrics[metric] ?? Infinity);
  return runs.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}
