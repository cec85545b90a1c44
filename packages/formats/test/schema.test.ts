import {
  checkSample,
  checkSchema,
  elementsOf,
  fieldOf,
  tensorBytes,
  type Field,
  type SampleValue,
  type Schema,
} from "@millrace/formats";
import { describe, expect, it } from "vitest";

const schema: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [2, 2, 3] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "jpeg", kind: "bytes", encoding: "jpeg" },
    { name: "key", kind: "string" },
    { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 },
  ],
};

const good = (): Map<string, SampleValue> =>
  new Map<string, SampleValue>([
    ["image", new Uint8Array(12)],
    ["label", Int32Array.of(1)],
    ["jpeg", new Uint8Array(3)],
    ["key", "a"],
    ["boxes", { data: new Float32Array(8), shape: [2, 4] }],
  ]);

describe("a schema", () => {
  it("counts elements and bytes; a scalar has one element", () => {
    expect(elementsOf([])).toBe(1);
    expect(elementsOf([2, 3])).toBe(6);
    expect(tensorBytes({ name: "x", kind: "tensor", dtype: "float32", shape: [2, 2] })).toBe(16);
  });

  it("finds a field or says which there are", () => {
    expect(fieldOf(schema, "key").kind).toBe("string");
    expect(() => fieldOf(schema, "nope")).toThrow(/field nope: no such field; expected one of image, label/u);
  });

  const bad: [string, Field[], RegExp][] = [
    ["no field", [], /has no field/u],
    [
      "a field named twice",
      [
        { name: "a", kind: "string" },
        { name: "a", kind: "string" },
      ],
      /named twice/u,
    ],
    ["a name that is a path", [{ name: "../a", kind: "string" }], /not a field name/u],
    [
      "an unknown dtype",
      [{ name: "a", kind: "tensor", dtype: "uint7" as "uint8", shape: [] }],
      /unknown dtype; expected uint8/u,
    ],
    ["an extent of zero", [{ name: "a", kind: "tensor", dtype: "uint8", shape: [0] }], /impossible shape/u],
    ["a shape of half a pixel", [{ name: "a", kind: "tensor", dtype: "uint8", shape: [1.5] }], /impossible shape/u],
    ["a sample of 4 GiB", [{ name: "a", kind: "tensor", dtype: "uint8", shape: [2 ** 16, 2 ** 16] }], /too large/u],
    ["32 dimensions", [{ name: "a", kind: "tensor", dtype: "uint8", shape: Array(32).fill(1) }], /at most 31/u],
    ["a rank of 32", [{ name: "a", kind: "ragged", dtype: "uint8", rank: 32 }], /impossible rank; expected 1 to 31/u],
    ["a rank of zero", [{ name: "a", kind: "ragged", dtype: "uint8", rank: 0 }], /impossible rank/u],
  ];
  it.each(bad)("with %s is refused", (_, fields, message) => {
    expect(() => checkSchema({ fields })).toThrow(message);
  });

  it("accepts __proto__ as a field name like any other", () => {
    expect(() => checkSchema({ fields: [{ name: "__proto__", kind: "string" }] })).not.toThrow();
  });
});

describe("a sample", () => {
  it("that fits is accepted", () => {
    expect(() => checkSample(schema, good())).not.toThrow();
  });

  it.each([
    ["of another dtype", "image", new Int8Array(12), /field image: is not an array of uint8/u],
    ["with too few elements", "image", new Uint8Array(11), /has 11 elements, the shape \[2, 2, 3\] has 12/u],
    ["with text for bytes", "jpeg", "x", /is not a Uint8Array/u],
    ["with bytes for text", "key", new Uint8Array(1), /is not a string/u],
    ["of another rank", "boxes", { data: new Float32Array(4), shape: [4] }, /has rank 1, expected 2/u],
    [
      "whose shape lies",
      "boxes",
      { data: new Float32Array(4), shape: [2, 4] },
      /has 4 elements, its shape \[2, 4\] has 8/u,
    ],
    ["of half a box", "boxes", { data: new Float32Array(2), shape: [0.5, 4] }, /impossible shape \[0\.5, 4\]/u],
    ["of less than no boxes", "boxes", { data: new Float32Array(4), shape: [-1, -4] }, /impossible shape \[-1, -4\]/u],
    ["of NaN boxes", "boxes", { data: new Float32Array(0), shape: [0, Number.NaN] }, /impossible shape/u],
    ["of 2^31 columns", "boxes", { data: new Float32Array(0), shape: [0, 2 ** 31] }, /from 0 to 2147483647/u],
    ["with half a surrogate pair", "key", "a\ud800b", /field key: has half a surrogate pair/u],
    ["with a bare array for a ragged value", "boxes", new Float32Array(4), /is not \{ data, shape \}/u],
  ])("%s is refused by name", (_, name, value, message) => {
    const sample = good();
    sample.set(name, value);
    expect(() => checkSample(schema, sample)).toThrow(message);
  });

  it("with a missing or an extra field is refused by name", () => {
    const missing = good();
    missing.delete("key");
    expect(() => checkSample(schema, missing)).toThrow(/field key: is missing/u);
    const extra = good();
    extra.set("more", "x");
    expect(() => checkSample(schema, extra)).toThrow(/field more: is not in the schema/u);
  });
});
