import { OptionError } from "@millrace/formats";
import type { Rank } from "./rank.js";

/** A {@link Rank} and who said it. */
export interface FoundRank extends Rank {
  /** `undefined`: nobody did, and this process is alone. */
  readonly source: "options" | "RANK" | "SLURM_PROCID" | undefined;
}

/** What options say of a {@link Rank}, which may be nothing. */
export interface RankOptions {
  readonly rank?: number | undefined;
  readonly worldSize?: number | undefined;
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const LAUNCHERS = [
  { rank: "RANK", worldSize: "WORLD_SIZE" },
  { rank: "SLURM_PROCID", worldSize: "SLURM_NTASKS" },
] as const;

/**
 * This process's part of all: from the options, and what they leave open from the launcher's environment: `RANK` and
 * `WORLD_SIZE` (set by torchrun), else `SLURM_PROCID` and `SLURM_NTASKS` (set by srun), else alone. A batch script of
 * Slurm that srun did not start (`SLURM_JOB_ID` without `SLURM_STEP_ID`) is one process, whatever `SLURM_NTASKS` says.
 * @throws {@link OptionError} if the environment has one of a pair only, or what is no integer, or the rank is not
 * below its worldSize.
 */
export function findRank(options: RankOptions, environment: Environment): FoundRank {
  const isGiven = options.rank !== undefined && options.worldSize !== undefined;
  const launched = isGiven ? undefined : readEnvironment(environment);
  const rank = options.rank ?? launched?.rank ?? 0;
  const worldSize = options.worldSize ?? launched?.worldSize ?? 1;
  const isOption = options.rank !== undefined || options.worldSize !== undefined;
  if (rank < worldSize) return { rank, worldSize, source: isOption ? "options" : launched?.source };
  const expected = `an integer from 0 to worldSize - 1, which is ${worldSize - 1}`;
  throw impossible("rank", expected, String(rank));
}

function readEnvironment(environment: Environment): FoundRank | undefined {
  for (const names of LAUNCHERS) {
    if (names.rank === "SLURM_PROCID" && isOutsideOfStep(environment)) continue;
    const found = readRank(names, environment);
    if (found !== undefined) return { ...found, source: names.rank };
  }
  return undefined;
}

function isOutsideOfStep(environment: Environment): boolean {
  // salloc sets the number of tasks in the shell that it starts, which is no task.
  if (environment["SLURM_PROCID"] === undefined) return true;
  return environment["SLURM_JOB_ID"] !== undefined && environment["SLURM_STEP_ID"] === undefined;
}

function readRank(names: (typeof LAUNCHERS)[number], environment: Environment): Rank | undefined {
  const rank = readInteger(names.rank, environment);
  const worldSize = readInteger(names.worldSize, environment);
  if (rank === undefined && worldSize === undefined) return undefined;
  if (rank === undefined) throw impossible("rank", `${names.rank} beside ${names.worldSize}`, "not set");
  if (worldSize === undefined) throw impossible("worldSize", `${names.worldSize} beside ${names.rank}`, "not set");
  if (rank < worldSize) return { rank, worldSize };
  const expected = `${names.rank} below ${names.worldSize}, which is ${worldSize}`;
  throw impossible("rank", expected, String(rank));
}

function readInteger(name: string, environment: Environment): number | undefined {
  const text = environment[name];
  if (text === undefined) return undefined;
  const isCount = /^\d{1,9}$/u.test(text);
  if (isCount) return Number(text);
  const option = name.includes("RANK") || name.includes("PROCID") ? "rank" : "worldSize";
  throw impossible(option, `an integer in the environment variable ${name}`, JSON.stringify(text));
}

function impossible(option: "rank" | "worldSize", expected: string, found: string): OptionError {
  return new OptionError({
    option,
    problem: "is impossible",
    expected,
    found,
    fix: "give the options rank and worldSize",
  });
}
