import { checkWritable, OptionError } from "@millrace/formats";
import type { Argv } from "yargs";
import { numberFlag, switchFlag, textFlag } from "./flag.js";
import type { TrainingFlags } from "./training-flags.js";

/** The flags of `millrace profile` beside those that it shares with `train`. */
export function profileFlags(yargs: Argv): Argv {
  return injectFlags(phaseFlags(yargs))
    .option("steps", { ...numberFlag("Steps to measure"), default: 200 })
    .option("warmup-steps", { ...numberFlag("Steps before them, not measured"), default: 10 })
    .option("step-ms", numberFlag("Instead of a model, a device that takes so many ms a batch, by timer"))
    .option("apply", switchFlag("Make the best change of workers or prefetch depth, measure again, up to three times"))
    .option("history", textFlag("Write the run into this file, and show earlier runs of it"))
    .option("html", textFlag("Write the report as one HTML page to this file"))
    .option("trace", textFlag("Write every step to this file, for ui.perfetto.dev or chrome://tracing"));
}

function phaseFlags(yargs: Argv): Argv {
  return yargs
    .option("phases", {
      ...switchFlag("Measure step and input one by one, too; --no-phases: only the run"),
      default: true,
    })
    .option("phase-seconds", { ...numberFlag("Time of each of these measurements"), default: 2 })
    .option(
      "scaling",
      switchFlag("Measure the loader with 1, 2, 4, ... workers, too, for better predictions; --apply does"),
    );
}

function injectFlags(yargs: Argv): Argv {
  return yargs
    .option("inject-fetch-ms", numberFlag("What if reading a sample took so many ms longer?"))
    .option("inject-prep-ms", numberFlag("What if preparing a sample took so many ms of CPU more?"))
    .option("inject-bytes-per-sec", numberFlag("What if storage gave no more bytes a second to all workers?"))
    .option(
      "inject-cached-fraction",
      numberFlag("Share of the samples that the storage of the two does not slow down"),
    );
}

/** The values of {@link profileFlags}, and those that it shares with `train`. */
export interface ProfileFlags extends TrainingFlags {
  readonly steps: number;
  readonly warmupSteps: number;
  readonly stepMs: number | undefined;
  readonly apply: boolean;
  readonly history: string | undefined;
  readonly html: string | undefined;
  readonly trace: string | undefined;
  readonly phases: boolean;
  readonly phaseSeconds: number;
  readonly scaling: boolean;
  readonly injectFetchMs: number | undefined;
  readonly injectPrepMs: number | undefined;
  readonly injectBytesPerSec: number | undefined;
  readonly injectCachedFraction: number | undefined;
}

/**
 * Most that the two flags take: what `timerStep` and the option `phases.seconds` take, which have other names in the
 * library than here.
 */
const MOST_STEP_MS = 3_600_000;
const MOST_PHASE_SECONDS = 3600;

/** @throws OptionError if a flag is impossible, or flags contradict each other. */
export function checkProfileFlags({ apply, phases, stepMs, phaseSeconds }: ProfileFlags): void {
  if (apply && !phases) {
    throw new OptionError({
      option: "apply",
      problem: "does not go with --no-phases: what a change would gain is predicted from the phases",
      fix: "leave out one of the two",
    });
  }
  if (stepMs !== undefined) checkTime("stepMs", stepMs, MOST_STEP_MS, "milliseconds above 0, at most an hour");
  checkTime("phaseSeconds", phaseSeconds, MOST_PHASE_SECONDS, "seconds above 0, at most an hour");
}

function checkTime(option: "stepMs" | "phaseSeconds", time: number, most: number, expected: string): void {
  if (time > 0 && time <= most) return;
  throw new OptionError({ option, problem: "is no time that can be measured", expected, found: String(time) });
}

/**
 * Checks before the run that the files which `--html` and `--trace` name can be written.
 * @throws FileError if one cannot.
 */
export async function checkProfileFiles({ html, trace }: ProfileFlags): Promise<void> {
  for (const file of [html, trace]) if (file !== undefined) await checkWritable(file, "replace");
}
