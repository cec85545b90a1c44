import { OptionError } from "@millrace/formats";
import type { SweepGrid, SweepValue } from "@millrace/train";
import type { TrainFlags } from "./train-flags.js";

/** The flags of `train` that a sweep varies, by the type of their values. */
const VARIED = new Map<keyof TrainFlags, "text" | "number">([
  ["model", "text"],
  ["activation", "text"],
  ["augment", "text"],
  ["optimizer", "text"],
  ["schedule", "text"],
  ["loss", "text"],
  ["batchSize", "number"],
  ["cropArea", "number"],
  ["seed", "number"],
  ["learningRate", "number"],
  ["momentum", "number"],
  ["weightDecay", "number"],
  ["warmupSteps", "number"],
  ["clipNorm", "number"],
  ["labelSmoothing", "number"],
  ["focalGamma", "number"],
  ["focalAlpha", "number"],
  ["ema", "number"],
  ["epochs", "number"],
]);

/**
 * The grid of `--grid learning-rate=0.001,0.01 --grid optimizer=adam,sgd`.
 * @throws OptionError for a flag that cannot be varied, is named twice, or has a value of another type.
 */
export function gridOf(texts: readonly string[]): SweepGrid {
  const grid = new Map<string, SweepValue[]>();
  for (const text of texts) {
    const [, flag, list] = /^([a-z][a-z-]*)=(.+)$/u.exec(text) ?? [];
    if (flag === undefined || list === undefined)
      throw wrong("is not a flag with its values", "learning-rate=0.001,0.01", text);
    const option = flag.replaceAll(/-([a-z])/gu, (_, letter: string) => letter.toUpperCase());
    const type = VARIED.get(option as keyof TrainFlags);
    if (type === undefined)
      throw wrong("names a flag that a sweep does not vary", [...VARIED.keys()].map(flagOf).join(" | "), flag);
    if (grid.has(option)) throw wrong("names a flag twice", "all its values in one list", flag);
    const values = list.split(",").map((value) => value.trim());
    grid.set(
      option,
      values.map((value) => (type === "text" ? value : numberOf(value, flag))),
    );
  }
  return Object.fromEntries(grid);
}

function flagOf(option: string): string {
  return option.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
}

function numberOf(value: string, flag: string): number {
  const number = value === "" ? Number.NaN : Number(value);
  if (Number.isFinite(number)) return number;
  throw wrong(`has a value of ${flag} that is no number`, "0.001, for example", value);
}

function wrong(problem: string, expected: string, found: string): OptionError {
  return new OptionError({ option: "grid", problem, expected, found });
}
