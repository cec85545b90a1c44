import { OptionError } from "@millrace/formats";
import { join } from "node:path";
import type { Clock } from "../clock.js";
import type { TrainObserver } from "../training/progress.js";
import { CSV } from "./csv-log.js";
import type { RunSettings } from "./hyperparameters.js";
import { LineLog } from "./line-log.js";
import { NDJSON } from "./ndjson-log.js";
import { TensorboardLog } from "./tensorboard-log.js";

/** Where and how a run is logged. */
export interface RunLogOptions {
  /** Folder of the run; made if it is missing. */
  readonly dir: string;
  /** What tells the run from others; `tensorboard` shows it in its tab HPARAMS. */
  readonly settings?: RunSettings | undefined;
  /** Milliseconds since 1970, for the time of every record. Default: the system's. */
  readonly clock?: Clock | undefined;
}

type CreateLog = (options: RunLogOptions, now: () => number) => TrainObserver;

/** The kinds of logs, for option checks and help texts. */
export const RUN_LOGS = ["tensorboard", "csv", "ndjson"] as const;
/** A kind of log. */
export type RunLogName = (typeof RUN_LOGS)[number];

const LOGS: Readonly<Record<RunLogName, CreateLog>> = {
  tensorboard: ({ dir, settings }, now) => new TensorboardLog(dir, settings, now),
  csv: ({ dir }, now) => new LineLog(join(dir, "log.csv"), CSV, now),
  ndjson: ({ dir }, now) => new LineLog(join(dir, "log.ndjson"), NDJSON, now),
};

/**
 * Creates a log of a training run, for {@link TrainOptions.observers}:
 *
 * | name          | file                            | what it holds                                             |
 * | ------------- | ------------------------------- | --------------------------------------------------------- |
 * | `tensorboard` | `events.out.tfevents.<time>. …` | scalars; a new file each time the run goes on             |
 * | `csv`         | `log.csv`                       | a row for each fence, validation and epoch                |
 * | `ndjson`      | `log.ndjson`                    | all that is told, checkpoints and starts included         |
 *
 * Every record is handed to the system as it is made: of a run that is killed, all before its last fence can be read. A
 * resumed run goes on in the same folder, with its steps; what was logged of steps behind its checkpoint is dropped. A
 * fresh run replaces what an earlier one logged there, but not the earlier event files, which no longer count.
 * @throws {@link OptionError} for an unknown name. While it logs, the run ends with a {@link FileError} if the system
 * refuses, and with a {@link StateError} if another kind of file has the log's name.
 */
export function createRunLog(name: RunLogName, options: RunLogOptions): TrainObserver {
  if (!Object.hasOwn(LOGS, name)) {
    throw new OptionError({ option: "log", problem: "is no log", expected: RUN_LOGS.join(" | "), found: name });
  }
  const { clock } = options;
  return LOGS[name](options, clock === undefined ? Date.now : () => clock.now());
}
