import {
  centerCrop,
  colorJitter,
  grayscale,
  horizontalFlip,
  normalize,
  pad,
  randomCrop,
  randomResizedCrop,
  resize,
  userTransform,
  verticalFlip,
  type Transform,
} from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { planTransforms } from "../../dist/transforms/plan.js";

const user = userTransform({ module: "file:///x.js" });
const known = { size: [32, 48], channels: 3 } as const;
const various = { size: undefined, channels: 3 } as const;
const statistics = { field: "image", values: 1, mean: [0.1, 0.2, 0.3], std: [0.5, 0.5, 0.25] };

/** Each stage of a plan in words: its geometric steps, its fill, its changes of pixels, and what comes out. */
function stagesOf(transforms: readonly Transform[], layout: "nhwc" | "nchw" = "nhwc"): string[] {
  return planTransforms(transforms, known, statistics, layout).stages.map((stage) =>
    [
      ...stage.steps.map((step) => step.index),
      stage.fill === undefined ? "" : `fill ${stage.fill.join()}`,
      ...stage.pixels.map((step) => `+${step.index}`),
      stage.dtype,
      stage.layout,
      `${stage.height}x${stage.width}`,
    ].join(" "),
  );
}

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
      layout: "nhwc",
    });
    expect(planTransforms([centerCrop(8)], known, undefined).dtype).toBe("uint8");
  });

  it("cuts the list where a user's transform needs pixels", () => {
    const plan = planTransforms([resize(16), user, user, horizontalFlip(), normalize(), user], various, statistics);
    expect(plan.stages.map((stage) => [stage.steps.length, stage.pixels.length, stage.dtype])).toEqual([
      [1, 2, "uint8"],
      [1, 1, "float32"],
    ]);
  });

  it("makes pixels in between only where it has to", () => {
    expect(stagesOf([randomCrop(32, { padding: 4 }), horizontalFlip(), verticalFlip(), normalize()])).toEqual([
      "0 1 2 fill 0,0,0 float32 nhwc 32x32",
    ]);
    expect(stagesOf([pad(2, { fill: [1, 2, 3] }), pad([1, 0], { fill: [1, 2, 3] }), centerCrop(30)])).toEqual([
      "0 1 2 fill 1,2,3 uint8 nhwc 30x30",
    ]);
    expect(stagesOf([pad(2), pad(1, { fill: 9 })])).toEqual([
      "0 fill 0,0,0 uint8 nhwc 36x52",
      "1 fill 9,9,9 uint8 nhwc 38x54",
    ]);
    expect(stagesOf([centerCrop(16), pad(2)])).toEqual(["0  uint8 nhwc 16x16", "1 fill 0,0,0 uint8 nhwc 20x20"]);
    expect(stagesOf([pad([1, 2, 3, 4]), resize(8)])).toEqual(["0 fill 0,0,0 uint8 nhwc 38x52", "1  uint8 nhwc 8x8"]);
    expect(stagesOf([resize(8), randomCrop(8, { padding: 1, fill: 7 })])).toEqual([
      "0  uint8 nhwc 8x8",
      "1 fill 7,7,7 uint8 nhwc 8x8",
    ]);
    const colours = [randomResizedCrop(8), colorJitter({ hue: 0.1 }), grayscale(), user, normalize()];
    expect(stagesOf(colours, "nchw")).toEqual(["0  +1 +2 +3 uint8 nhwc 8x8", " float32 nchw 8x8"]);
    expect(stagesOf([colorJitter(), resize(8)])).toEqual([" +0 uint8 nhwc 32x48", "1  uint8 nhwc 8x8"]);
    expect(stagesOf([], "nchw")).toEqual([" uint8 nchw 32x48"]);
    expect(stagesOf([resize(8), normalize({ dtype: "float16" })], "nchw")).toEqual(["0  float16 nchw 8x8"]);
    expect(stagesOf([user], "nchw")).toEqual([" +0 uint8 nhwc 32x48", " uint8 nchw 32x48"]);
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
    [[normalize(), colorJitter()], known, /colorJitter stands after normalize.*put it before/u],
    [[normalize(), grayscale()], known, /grayscale stands after normalize/u],
    [[resize(8), normalize(), pad(1)], known, /pad stands after normalize, but needs pixels of its own/u],
    [[normalize({ dtype: "float16" }), user], known, /after normalize to float16/u],
    [[colorJitter(), resize(8)], various, /different sizes/u],
    [[randomCrop(40)], known, /randomCrop of 40 x 40 is larger than the image of 32 x 48/u],
    [[randomCrop(40, { padding: 3 })], known, /larger than the image of 38 x 54/u],
    [[pad(65_535)], known, /makes a side of 131102 pixels/u],
    [[pad(1), horizontalFlip()], various, /different sizes/u],
    [[resize(8, { fit: "outside" })], various, /different sizes/u],
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
    ["resize with an unknown fit", () => resize(8, { fit: "contain" as never })],
    ["resize(NaN)", () => resize(Number.NaN)],
    ["centerCrop([1, -1])", () => centerCrop([1, -1])],
    ["randomResizedCrop(70000)", () => randomResizedCrop(70_000)],
    ["scale [0, 1]", () => randomResizedCrop(8, { scale: [0, 1] })],
    ["scale [0.5, 2]", () => randomResizedCrop(8, { scale: [0.5, 2] })],
    ["scale 0.5", () => randomResizedCrop(8, { scale: 0.5 as never })],
    ["scale [0.5]", () => randomResizedCrop(8, { scale: [0.5] as never })],
    ["ratio to infinity", () => randomResizedCrop(8, { ratio: [1, Infinity] })],
    ["ratio NaN", () => randomResizedCrop(8, { ratio: [Number.NaN, 1] })],
    ["ratio [2, 1]", () => randomResizedCrop(8, { ratio: [2, 1] })],
    ["horizontalFlip 1.1", () => horizontalFlip({ fraction: 1.1 })],
    ["verticalFlip NaN", () => verticalFlip({ fraction: Number.NaN })],
    ["horizontalFlip by a text", () => horizontalFlip({ fraction: "0.5" as never })],
    ["randomCrop with half an answer", () => randomCrop(8, { padIfNeeded: 1 as never })],
    ["randomCrop(0)", () => randomCrop(0)],
    ["randomCrop with half a margin", () => randomCrop(8, { padding: 0.5 })],
    ["pad(-1)", () => pad(-1)],
    ["pad of three margins", () => pad([1, 2, 3] as never)],
    ["pad with a fill of 256", () => pad(1, { fill: 256 })],
    ["pad with a fill of two channels", () => pad(1, { fill: [1, 2] })],
    ["brightness NaN", () => colorJitter({ brightness: Number.NaN })],
    ["brightness -1", () => colorJitter({ brightness: -1 })],
    ["contrast [2, 1]", () => colorJitter({ contrast: [2, 1] })],
    ["contrast infinity", () => colorJitter({ contrast: Infinity })],
    ["saturation [-1, 1]", () => colorJitter({ saturation: [-1, 1] })],
    ["saturation of texts", () => colorJitter({ saturation: ["0", "1"] as never })],
    ["hue 0.6", () => colorJitter({ hue: 0.6 })],
    ["hue [-0.6, 0]", () => colorJitter({ hue: [-0.6, 0] })],
    ["colorJitter fraction 2", () => colorJitter({ fraction: 2 })],
    ["grayscale fraction -1", () => grayscale({ fraction: -1 })],
    ["normalize to float64", () => normalize({ dtype: "float64" as never })],
    ["normalize std 0", () => normalize({ std: [0, 1, 1] })],
    ["normalize std too small to divide by", () => normalize({ std: [1e-42] })],
    ["normalize mean beyond float32", () => normalize({ mean: [1e39] })],
    ["normalize mean 0.5", () => normalize({ mean: 0.5 as never })],
    ["normalize std of a text", () => normalize({ std: "0.5" as never })],
    ["normalize mean NaN", () => normalize({ mean: [Number.NaN] })],
    ["userTransform http:", () => userTransform({ module: "http://host/x.js" })],
    ["userTransform with a function", () => userTransform({ module: "file:///x.js", options: () => 1 })],
    ["userTransform data:", () => userTransform({ module: "data:text/javascript,export {}" })],
  ])("refuses %s, naming the option", (_what, make) => {
    expect(make).toThrow(/^option transforms: .*expected .*found /u);
  });

  it("shows numbers that JSON has no word for", () => {
    expect(() => normalize({ mean: [0, Number.NaN] })).toThrow(/found \[0, NaN\]/u);
    expect(() => colorJitter({ contrast: Infinity })).toThrow(/found Infinity/u);
    expect(() => resize([8, -Infinity])).toThrow(/found \[8, -Infinity\]/u);
  });
});
