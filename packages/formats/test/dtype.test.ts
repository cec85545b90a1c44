import { bytesOf, createArray, DTYPES, dtypeBytes, isArrayOf, viewAs } from "@millrace/formats";
import { describe, expect, it } from "vitest";

describe.each(DTYPES)("dtype %s", (dtype) => {
  it("has arrays of its element size that view and give back the same bytes", () => {
    const array = createArray(dtype, 3);
    expect(array.byteLength).toBe(3 * dtypeBytes(dtype));
    expect(isArrayOf(dtype, array)).toBe(true);
    const bytes = Uint8Array.from({ length: array.byteLength + 1 }, (_, i) => i * 7);
    for (const start of [0, 1]) {
      const part = bytes.subarray(start, start + array.byteLength);
      expect(bytesOf(viewAs(dtype, part))).toEqual(part);
    }
  });
});

describe("viewAs", () => {
  it("shares aligned memory and refuses bytes that do not divide", () => {
    const bytes = new Uint8Array(8);
    expect(viewAs("int32", bytes).buffer).toBe(bytes.buffer);
    expect(() => viewAs("int32", new Uint8Array(6))).toThrow(/expected a multiple of 4, found 6 bytes/u);
  });
});
