import type { Extents, RaggedField } from "@millrace/formats";
import { describe, expect, it } from "vitest";
import { raggedShapes } from "../dist/ragged-shapes.js";

const field: RaggedField = { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 };
const extents: Extents = {
  kind: "table",
  length: 2,
  offsets: Float64Array.of(0, 24),
  byteLengths: Uint32Array.of(24, 0),
};

describe("raggedShapes", () => {
  it("gives the shapes that fit the bytes of their elements", () => {
    expect(raggedShapes(field, extents, [2, 3, 0, 7])).toEqual(Int32Array.of(2, 3, 0, 7));
    expect(raggedShapes(field, extents, BigInt64Array.of(6n, 1n, 4n, 0n))).toEqual(Int32Array.of(6, 1, 4, 0));
  });

  it.each([
    ["more elements than there are", [2, 4, 0, 7]],
    ["elements that there are not", [2, 3, 1, 1]],
    ["less than no rows, twice", [-2, -3, 0, 7]],
    ["more rows than any format keeps", [2, 3, 0, 2 ** 31]],
    ["no number", [2, 3, 0, Number.NaN]],
    ["one extent less", [2, 3, 0]],
  ])("gives none if a shape has %s", (_, stored) => {
    expect(raggedShapes(field, extents, stored)).toBeUndefined();
  });
});
