import { openDataset, writeFileAtomic } from "@millrace/formats";
import type { Checkpoint, EpochReport, MetricName, SweepGrid, SweepReport, SweepRun } from "@millrace/train";
import { join } from "node:path";
import type { Argv, CommandModule } from "yargs";
import { UsageError } from "../exit.js";
import { textFlag } from "../flag.js";
import { gridOf } from "../grid-flag.js";
import { print, type Io } from "../io.js";
import { formatTable } from "../table.js";
import { holdsCheckpoint, isComplete } from "../run-folder.js";
import { runFlags, type TrainFlags } from "../train-flags.js";
import { trainOnce } from "../train-once.js";
import { trainingFlags } from "../training-flags.js";

type SweepFlags = Omit<TrainFlags, "resume"> & { readonly grid: readonly string[] };

/** Flags that do not change what a run finds, so that a sweep goes on with others. */
const FREE = new Set([
  "$0",
  "_",
  "grid",
  "out",
  "json",
  "quiet",
  "q",
  "log",
  "numWorkers",
  "prefetchDepth",
  "readAhead",
  "keep",
]);

/** `millrace sweep`: train with every combination of some settings, and compare. */
export function sweepCommand(io: Io): CommandModule {
  return {
    command: "sweep <dataset>",
    describe: "Train with every combination of some settings; one table at the end",
    builder: (yargs) =>
      gridFlag(runFlags(trainingFlags(yargs), "sweep"))
        .example(
          "$0 sweep shards/ --grid learning-rate=0.001,0.01 --grid optimizer=adam,sgd --epochs 2",
          "Four runs, the best first",
        )
        .example("$0 sweep shards/ --grid ...  (the same line again)", "Goes on; finished runs are not repeated"),
    handler: async (args) => {
      await runSweep(args as unknown as SweepFlags, io);
    },
  };
}

function gridFlag(yargs: Argv): Argv {
  return yargs
    .parserConfiguration({ "duplicate-arguments-array": true })
    .option("grid", {
      ...textFlag("A flag of train with the values to try; may be given several times"),
      array: true,
      nargs: 1,
      demandOption: true,
    })
    .check((args) => {
      const twice = Object.entries(args).find(
        ([name, value]) => Array.isArray(value) && name !== "grid" && name !== "_",
      );
      if (twice !== undefined) throw new UsageError(`--${twice[0]} is given twice; see millrace sweep --help`);
      return true;
    });
}

async function runSweep(flags: SweepFlags, io: Io): Promise<void> {
  const { sweep, sweepToCsv, sweepToJson } = await import("@millrace/train");
  const { out } = flags;
  const grid = gridOf(flags.grid);
  const isQuiet = flags.quiet || flags.json;
  const metric = flags.metric ?? (await defaultMetric(flags.dataset));
  const errors: unknown[] = [];
  const report = await sweep({
    grid,
    metric,
    goal: metric === "loss" || metric === "validationLoss" ? "min" : "max",
    out,
    signal: io.signal,
    settings: sharedSettings(flags, grid),
    onRun: (run, done, total) => {
      if (!isQuiet) io.stderr.write(`sweep: ${done} of ${total}, ${told(run, metric)}\n`);
    },
    run: async (point, { dir = out }) => {
      try {
        return await runPoint({ ...flags, ...point, out: dir }, io);
      } catch (error) {
        errors.push(error);
        throw error;
      }
    },
  });
  if (report.runs.every(({ error }) => error !== undefined)) throw errors[0];
  await writeFileAtomic(join(out, "report.json"), sweepToJson(report));
  await writeFileAtomic(join(out, "report.csv"), sweepToCsv(report));
  if (flags.json) io.stdout.write(sweepToJson(report));
  else print(io, await textOf(report, out));
}

/** Trains with one combination, from where an earlier call was stopped, and returns its metrics. */
async function runPoint(flags: SweepFlags, io: Io): Promise<Record<string, number>> {
  const { out, earlyStop, restoreBest } = flags;
  const run = { ...flags, quiet: true, resume: await holdsCheckpoint(out) };
  const complete = run.resume ? await readComplete(run) : undefined;
  const { epochs, best } = complete ?? (await trainOnce(run, io, () => undefined));
  const chosen = earlyStop !== undefined && restoreBest ? best?.epoch : undefined;
  return metricsOf(epochs.find(({ epoch }) => epoch === chosen) ?? epochs.at(-1));
}

/** The last state of a run that has nothing left to do but to be told; `undefined` if there is more. */
async function readComplete(run: TrainFlags): Promise<Checkpoint | undefined> {
  const { readCheckpoint } = await import("@millrace/train");
  const checkpoint = await readCheckpoint(run.out);
  return (await isComplete(checkpoint, run)) ? checkpoint : undefined;
}

function metricsOf(epoch: EpochReport | undefined): Record<string, number> {
  const { validation, accuracy, loss } = epoch ?? {};
  const metrics = new Map<MetricName, number | undefined>([
    ["validationAccuracy", validation?.accuracy],
    ["validationLoss", validation?.loss],
    ["accuracy", accuracy],
    ["loss", loss],
  ]);
  return Object.fromEntries([...metrics].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

async function defaultMetric(folder: string): Promise<MetricName> {
  await using dataset = await openDataset(folder);
  return dataset.splits.some(({ name, length }) => name === "val" && length > 0) ? "validationAccuracy" : "accuracy";
}

function sharedSettings(flags: SweepFlags, varied: SweepGrid): Record<string, string | number | boolean> {
  const settings = Object.entries(flags).filter(
    ([name, value]) =>
      /^[a-z][a-zA-Z]*$/u.test(name) && !FREE.has(name) && !Object.hasOwn(varied, name) && isSetting(value),
  );
  return Object.fromEntries(settings) as Record<string, string | number | boolean>;
}

function isSetting(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function told({ name, metrics, error, wasKept }: SweepRun, metric: string): string {
  if (error !== undefined) return `${name}: failed: ${error.message}`;
  return `${name}: ${metric} ${(metrics?.[metric] ?? Number.NaN).toFixed(4)}${wasKept ? ", finished before" : ""}`;
}

async function textOf(report: SweepReport, out: string): Promise<string> {
  const { sweepTable } = await import("@millrace/train");
  const { header, rows } = sweepTable(report);
  const failed = report.runs.filter(({ error }) => error !== undefined).length;
  const failures = failed === 0 ? "" : `${failed} of ${report.runs.length} runs failed; the same line repeats them\n`;
  return `${formatTable(header, rows)}\n${failures}best: ${report.runs[0]?.name}\nreport: ${join(out, "report.csv")}`;
}
