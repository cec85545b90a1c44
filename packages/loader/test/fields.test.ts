import type { Field, Schema } from "@millrace/formats";
import { normalize, resize, type Transform } from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { planFields, type FieldPlan } from "../dist/fields.js";

const pixels: Field = { name: "image", kind: "tensor", dtype: "uint8", shape: [8, 6, 3] };
const jpeg: Field = { name: "image", kind: "bytes", encoding: "jpeg" };
const mask: Field = { name: "mask", kind: "tensor", dtype: "uint8", shape: [8, 6, 1] };
const label: Field = { name: "label", kind: "tensor", dtype: "int32", shape: [] };
const key: Field = { name: "key", kind: "string" };
const boxes: Field = { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 };
const blob: Field = { name: "blob", kind: "bytes", encoding: "none" };

function plan(fields: Field[], transforms: Transform[] = [], names?: string[]): FieldPlan[] {
  const schema: Schema = { fields };
  const statistics = { field: "image", values: 1, mean: [0.5, 0.5, 0.5], std: [1, 1, 1] };
  return planFields({ schema, names, transforms, statistics, textBytes: new Map([["key", 12]]) });
}

const shown = (plans: FieldPlan[]): unknown[] =>
  plans.map(({ field, route, dtype, shape, cellBytes }) => [field.name, route, dtype, shape, cellBytes]);

describe("planFields", () => {
  it("takes what fits into a batch where nothing is named, and leaves texts and what differs in size out", () => {
    expect(shown(plan([pixels, label, key, boxes, blob]))).toEqual([
      ["image", "stored", "uint8", [8, 6, 3], 144],
      ["label", "stored", "int32", [], 4],
    ]);
  });

  it("takes pixels as they are stored without transforms, and makes images with them", () => {
    expect(shown(plan([pixels], [resize(4)]))).toEqual([["image", "image", "uint8", [4, 4, 3], 48]]);
    expect(shown(plan([jpeg], [resize(4), normalize()]))).toEqual([["image", "image", "float32", [4, 4, 3], 192]]);
  });

  it("transforms the field named image, else the first that holds images, and no other", () => {
    expect(shown(plan([mask, pixels], [resize(4)]))).toEqual([
      ["mask", "stored", "uint8", [8, 6, 1], 48],
      ["image", "image", "uint8", [4, 4, 3], 48],
    ]);
    expect(shown(plan([label, mask], [resize(4)]))[1]).toEqual(["mask", "image", "uint8", [4, 4, 1], 16]);
  });

  it("keeps the order of the names, and fills texts up to the longest", () => {
    expect(shown(plan([pixels, label, key], [], ["key", "label"]))).toEqual([
      ["key", "text", "uint8", [12], 12],
      ["label", "stored", "int32", [], 4],
    ]);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "arrays that differ in size",
      () => plan([boxes], [], ["boxes"]),
      /field boxes: .*arrays differ in size.*leave it out/u,
    ],
    ["opaque bytes", () => plan([blob], [], ["blob"]), /field blob: .*bytes differ in size/u],
    [
      "a second field of encoded images",
      () => plan([jpeg, { ...jpeg, name: "other" }], [resize(4)], ["other", "image"]),
      /field other/u,
    ],
    ["transforms without images", () => plan([label, key], [resize(4)]), /option transforms: there are no images/u],
    [
      "transforms of an image that is not loaded",
      () => plan([pixels, label], [resize(4)], ["label"]),
      /there are no images/u,
    ],
    ["encoded images without a size", () => plan([jpeg]), /different sizes/u],
    ["an unknown name", () => plan([label], [], ["lable"]), /option fields: .*expected label, found lable/u],
  ])("refuses %s", (_what, act, text) => {
    expect(act).toThrow(text);
  });
});
