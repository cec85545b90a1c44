import { byteLengthOf, endOf, maxByteLength, offsetOf, tableExtents, type Extents } from "@millrace/formats";
import { SEED } from "@millrace/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("extents", () => {
  it("of equal rows at equal distances become an affine rule", () => {
    const extents = tableExtents(Float64Array.of(100, 110, 120), Uint32Array.of(8, 8, 8));
    expect(extents).toEqual({ kind: "affine", length: 3, base: 100, stride: 10, byteLength: 8 });
    expect([offsetOf(extents, 2), byteLengthOf(extents, 2), endOf(extents), maxByteLength(extents)]).toEqual([
      120, 8, 128, 8,
    ]);
  });

  it("of no rows end at 0", () => {
    const none = tableExtents(new Float64Array(0), new Uint32Array(0));
    expect([none.length, endOf(none), maxByteLength(none)]).toEqual([0, 0, 0]);
  });

  it("say the same of every row as the table they were made from, past 4 GiB too", () => {
    const rows = fc.array(fc.tuple(fc.nat(2 ** 45), fc.nat(2 ** 31)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rows, fc.boolean(), (table, regular) => {
        const offsets = Float64Array.from(table, ([offset], row) => (regular ? 7 + row * 24 : offset));
        const lengths = Uint32Array.from(table, ([, length]) => (regular ? 24 : length));
        const extents: Extents = tableExtents(offsets, lengths);
        for (let row = 0; row < table.length; row++) {
          expect(offsetOf(extents, row)).toBe(offsets[row]);
          expect(byteLengthOf(extents, row)).toBe(lengths[row]);
        }
        expect(endOf(extents)).toBe(Math.max(...offsets.map((offset, row) => offset + (lengths[row] ?? 0))));
        expect(maxByteLength(extents)).toBe(Math.max(...lengths));
        expect(regular && extents.kind !== "affine").toBe(false);
      }),
      { seed: SEED },
    );
  });
});
