import { isMillraceError } from "@millrace/formats";
import { describe, expect, it } from "vitest";
import { findRank, type Environment, type RankOptions } from "../../dist/order/rank-environment.js";

const torchrun = { RANK: "3", WORLD_SIZE: "8", LOCAL_RANK: "1" };
const srun = { SLURM_JOB_ID: "77", SLURM_STEP_ID: "0", SLURM_PROCID: "2", SLURM_NTASKS: "4" };

describe("findRank", () => {
  it.each<[string, RankOptions, Environment, unknown]>([
    ["nobody says it", {}, {}, { rank: 0, worldSize: 1, source: undefined }],
    ["torchrun says it", {}, torchrun, { rank: 3, worldSize: 8, source: "RANK" }],
    ["srun says it", {}, srun, { rank: 2, worldSize: 4, source: "SLURM_PROCID" }],
    [
      "torchrun runs under srun, one task a node",
      {},
      { ...srun, ...torchrun },
      { rank: 3, worldSize: 8, source: "RANK" },
    ],
    ["the options say it", { rank: 1, worldSize: 2 }, { RANK: "x" }, { rank: 1, worldSize: 2, source: "options" }],
    ["one option leaves the other open", { worldSize: 4 }, torchrun, { rank: 3, worldSize: 4, source: "options" }],
    ["only the number is given", { worldSize: 2 }, {}, { rank: 0, worldSize: 2, source: "options" }],
    [
      "a batch script runs without srun",
      {},
      { SLURM_JOB_ID: "77", SLURM_PROCID: "0", SLURM_NTASKS: "4" },
      { rank: 0, worldSize: 1, source: undefined },
    ],
    ["salloc has set the number of tasks", {}, { SLURM_NTASKS: "4" }, { rank: 0, worldSize: 1, source: undefined }],
    ["Slurm's two variables are all there is", {}, { SLURM_PROCID: "1", SLURM_NTASKS: "2" }, { rank: 1, worldSize: 2 }],
  ])("where %s", (_when, options, environment, expected) => {
    expect(findRank(options, environment)).toMatchObject(expected as object);
  });

  it.each<[string, RankOptions, Environment, string, RegExp]>([
    ["RANK alone", {}, { RANK: "0" }, "worldSize", /WORLD_SIZE beside RANK, found not set/u],
    ["WORLD_SIZE alone", {}, { WORLD_SIZE: "2" }, "rank", /RANK beside WORLD_SIZE/u],
    ["a rank that is no integer", {}, { RANK: "1.5", WORLD_SIZE: "2" }, "rank", /integer in .* RANK, found "1.5"/u],
    ["an empty worldSize", {}, { RANK: "1", WORLD_SIZE: "" }, "worldSize", /WORLD_SIZE, found ""/u],
    ["a rank too high", {}, { RANK: "2", WORLD_SIZE: "2" }, "rank", /RANK below WORLD_SIZE, which is 2, found 2/u],
    ["a world of none", {}, { RANK: "0", WORLD_SIZE: "0" }, "rank", /below WORLD_SIZE/u],
    ["SLURM_PROCID alone", {}, { SLURM_PROCID: "0" }, "worldSize", /SLURM_NTASKS/u],
    ["an option beyond the launcher's", { rank: 9 }, torchrun, "rank", /worldSize - 1, which is 7, found 9/u],
    ["a rank without a world", { rank: 1 }, {}, "rank", /which is 0, found 1/u],
  ])("refuses %s", (_what, options, environment, option, text) => {
    let caught: unknown;
    try {
      findRank(options, environment);
    } catch (error) {
      caught = error;
    }
    expect(isMillraceError(caught, "OPTION") && caught.detail.option).toBe(option);
    expect(String(caught)).toMatch(text);
    expect(String(caught)).toMatch(/give the options rank and worldSize/u);
  });
});
