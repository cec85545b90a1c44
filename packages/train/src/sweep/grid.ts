import { createHash } from "node:crypto";
import { OptionError } from "@millrace/formats";

/** What a setting of a sweep can be. */
export type SweepValue = string | number | boolean;
/** The values to try, by option: every combination is a run. */
export type SweepGrid = Readonly<Record<string, readonly SweepValue[]>>;
/** One combination: of each option one value. */
export type SweepPoint<G extends SweepGrid> = { readonly [K in keyof G]: G[K][number] };

/** Runs of a sweep, at most. */
const MAX_RUNS = 10_000;
/** Longer names of runs, which are names of folders, end in a hash. */
const MAX_NAME = 120;

/**
 * Every combination of a grid; the last option changes fastest.
 * @throws {@link OptionError} if there is none, or too many; a value is there twice; or a number is not finite.
 */
export function gridPoints<G extends SweepGrid>(grid: G): SweepPoint<G>[] {
  const options = Object.entries(grid);
  for (const [option, values] of options) {
    if (values.length === 0) throw wrong(option, "has no values to try");
    if (new Set(values).size < values.length) throw wrong(option, "has a value twice", values.join(", "));
    if (values.some((value) => typeof value === "number" && !Number.isFinite(value)))
      throw wrong(option, "has a value that is no finite number", values.join(", "));
  }
  const runs = options.reduce((product, [, values]) => product * values.length, 1);
  if (options.length === 0) throw wrong(undefined, "is empty");
  if (runs > MAX_RUNS) throw wrong(undefined, "has too many combinations", String(runs), `at most ${MAX_RUNS}`);
  const points = options.reduce<(readonly [string, SweepValue])[][]>(
    (before, [option, values]) =>
      before.flatMap((point) => values.map((value) => [...point, [option, value] as const])),
    [[]],
  );
  return points.map((point) => Object.fromEntries(point) as SweepPoint<G>);
}

/** A combination as the name of a folder: `learningRate=0.01,optimizer=adam`. */
export function pointName(point: Readonly<Record<string, SweepValue>>): string {
  const name = Object.entries(point)
    .map(([option, value]) => `${encodeURIComponent(option)}=${encodeURIComponent(String(value))}`)
    .join(",");
  if (name.length <= MAX_NAME) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return `${name.slice(0, MAX_NAME - hash.length - 1)}~${hash}`;
}

function wrong(option: string | undefined, problem: string, found?: string, expected?: string): OptionError {
  return new OptionError({ option: option === undefined ? "grid" : `grid.${option}`, problem, expected, found });
}
