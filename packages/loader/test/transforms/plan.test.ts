import {
  centerCrop,
  horizontalFlip,
  normalize,
  randomResizedCrop,
  resize,
  userTransform,
  type Transform,
} from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { planTransforms } from "../../dist/transforms/plan.js";

const user = userTransform({ module: "file:///x.js" });
const known = { size: [32, 48], channels: 3 } as const;
const various = { size: undefined, channels: 3 } as const;
const statistics = { field: "image", values: 1, mean: [0.1, 0.2, 0.3], std: [0.5, 0.5, 0.25] };

describe("planTransforms", () => {
  it("makes one kernel call of all transforms of its own", () => {
    const transforms = [resize(40), randomResizedCrop(24), horizontalFlip(), normalize(), horizontalFlip()];
    const plan = planTransforms(transforms, various, statistics);
    expect(plan).toMatchObject({ height: 24, width: 24, channels: 3, dtype: "float32" });
    expect(plan.stages).toHaveLength(1);
    expect(plan.stages[0]?.steps.map((step) => step.index)).toEqual([0, 1, 2, 4]);
  });

  it("makes no call where nothing is asked for, and keeps uint8 without normalize", () => {
    expect(planTransforms([], known, undefined)).toEqual({
      stages: [],
      height: 32,
      width: 48,
      channels: 3,
      dtype: "uint8",
    });
    expect(planTransforms([centerCrop(8)], known, undefined).dtype).toBe("uint8");
  });

  it("cuts the list where a user's transform needs pixels", () => {
    const plan = planTransforms([resize(16), user, user, horizontalFlip(), normalize(), user], various, statistics);
    expect(plan.stages.map((stage) => [stage.steps.length, stage.users.length, stage.dtype])).toEqual([
      [1, 2, "uint8"],
      [1, 1, "float32"],
    ]);
  });

  it("takes the numbers of normalize from the transform, or from the data set", () => {
    const own = planTransforms([normalize({ mean: [0, 0, 0], std: [1, 1, 1] })], known, statistics);
    expect(own.stages[0]?.affine).toEqual({ scale: [1 / 255, 1 / 255, 1 / 255], shift: [-0, -0, -0] });
    const theirs = planTransforms([normalize()], known, statistics);
    expect(theirs.stages[0]?.affine?.shift).toEqual([-0.2, -0.4, -1.2]);
  });

  const impossible: readonly [Transform[], typeof known | typeof various, RegExp][] = [
    [[horizontalFlip()], various, /different sizes.*add resize/u],
    [[user, resize(8)], various, /different sizes.*add resize\(size\) as the first/u],
    [[centerCrop(33)], known, /larger than the image of 32 x 48.*put resize before/u],
    [[resize(8), centerCrop([8, 9])], various, /larger than the image of 8 x 8/u],
    [[normalize({ mean: [0], std: [1] })], known, /mean does not fit.*expected 3 numbers.*found 1/u],
    [[normalize(), user, horizontalFlip()], known, /horizontalFlip stands after a userTransform on floats/u],
    [[normalize(), normalize()], known, /twice/u],
  ];
  it.each(impossible)("refuses %j for %j", (transforms, source, text) => {
    expect(() => planTransforms(transforms, source, statistics)).toThrow(text);
  });

  it("refuses normalize without numbers, and a data set without variance", () => {
    expect(() => planTransforms([normalize()], known, undefined)).toThrow(/the data set has no mean.*give it/u);
    const flat = { ...statistics, std: [0.1, 0, 0.1] };
    expect(() => planTransforms([normalize()], known, flat)).toThrow(/channel 1 of the data set has no variance/u);
  });
});

describe("making a transform", () => {
  it.each<[string, () => unknown]>([
    ["resize(0)", () => resize(0)],
    ["resize(1.5)", () => resize(1.5)],
    ["resize(NaN)", () => resize(Number.NaN)],
    ["centerCrop([1, -1])", () => centerCrop([1, -1])],
    ["randomResizedCrop(70000)", () => randomResizedCrop(70_000)],
    ["scale [0, 1]", () => randomResizedCrop(8, { scale: [0, 1] })],
    ["scale [0.5, 2]", () => randomResizedCrop(8, { scale: [0.5, 2] })],
    ["ratio [2, 1]", () => randomResizedCrop(8, { ratio: [2, 1] })],
    ["horizontalFlip 1.1", () => horizontalFlip({ fraction: 1.1 })],
    ["normalize std 0", () => normalize({ std: [0, 1, 1] })],
    ["normalize mean NaN", () => normalize({ mean: [Number.NaN] })],
    ["userTransform http:", () => userTransform({ module: "http://host/x.js" })],
    ["userTransform with a function", () => userTransform({ module: "file:///x.js", options: () => 1 })],
    ["userTransform data:", () => userTransform({ module: "data:text/javascript,export {}" })],
  ])("refuses %s, naming the option", (_what, make) => {
    expect(make).toThrow(/^option transforms: .*expected .*found /u);
  });
});
