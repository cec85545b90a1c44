import { isMillraceError } from "@millrace/formats";
import { createKernels, createMemory, createPlainKernels, scratchBytes, type ResampleJob } from "@millrace/image";
import { describe, expect, it } from "vitest";
import { VALID_JOB } from "./workbench.js";

const MEMORY_BYTES = 2 ** 20;
const memory = createMemory({ byteLength: MEMORY_BYTES });
const scratch = { offset: 0, byteLength: 2 ** 19 };

/** The option that the error names, or `undefined` if the job runs; both kernels must say the same. */
function refusal(job: ResampleJob, region = scratch): string | undefined {
  const answers = [createKernels(memory, region), createPlainKernels(memory, region)].map((kernels) => {
    try {
      kernels.resample(job);
      return undefined;
    } catch (error) {
      if (!isMillraceError(error, "OPTION")) throw error;
      return error.detail.option;
    }
  });
  expect(answers[0]).toBe(answers[1]);
  return answers[0];
}

const source = (change: Partial<ResampleJob["source"]>): ResampleJob => ({
  ...VALID_JOB,
  source: { ...VALID_JOB.source, ...change },
});
const output = (change: Partial<ResampleJob["output"]>): ResampleJob => ({
  ...VALID_JOB,
  output: { ...VALID_JOB.output, ...change },
});
const box = (change: Partial<ResampleJob["box"]>): ResampleJob => ({
  ...VALID_JOB,
  box: { ...VALID_JOB.box, ...change },
});

describe("a job is refused, before anything is written,", () => {
  it("never if it is valid", () => {
    expect(refusal(VALID_JOB)).toBeUndefined();
  });

  it.each([
    { x: -1 },
    { y: -0.001 },
    { width: 0 },
    { height: -3 },
    { width: 18.5 },
    { height: 9.0001 },
    { x: Number.NaN },
    { width: Number.NaN },
    { width: Number.POSITIVE_INFINITY },
    { x: 20, width: 1e-20 },
    { y: 10, height: 1e-20 },
  ])("if its box is %j", (change) => {
    expect(refusal(box(change))).toBe("box");
  });

  it("unless the box is merely tiny", () => {
    expect(refusal(box({ x: 19, width: 1e-20 }))).toBeUndefined();
  });

  it.each([0, -1, 1.5, 65_536, Number.NaN, 2 ** 40])("if a side is %d", (side) => {
    expect(refusal(source({ width: side }))).toBe("source.width");
    expect(refusal(source({ height: side }))).toBe("source.height");
    expect(refusal(output({ width: side }))).toBe("output.width");
    expect(refusal(output({ height: side }))).toBe("output.height");
  });

  it("if it has other channels, dtypes or factors than there are", () => {
    expect(refusal(source({ channels: 4 as 3 }))).toBe("source.channels");
    expect(refusal(output({ dtype: "int8" as "uint8" }))).toBe("output.dtype");
    expect(refusal({ ...VALID_JOB, scale: [1, 2] })).toBe("scale");
    expect(refusal({ ...VALID_JOB, shift: [1, 2, Number.NaN] })).toBe("shift");
    expect(refusal({ ...VALID_JOB, scale: [1, 2, 1e300] })).toBe("scale");
    expect(refusal({ ...output({ dtype: "uint8" }), scale: [1, 2, 3] })).toBe("scale");
  });

  it("if a range leaves the memory", () => {
    expect(refusal(source({ offset: MEMORY_BYTES - 599 }))).toBe("source");
    expect(refusal(source({ offset: -1 }))).toBe("source");
    expect(refusal(source({ offset: Number.NaN }))).toBe("source");
    expect(refusal(source({ width: 60_000, height: 60_000 }))).toBe("source");
    expect(refusal(output({ offset: MEMORY_BYTES - 188 }))).toBe("output");
    expect(refusal(output({ offset: -4 }))).toBe("output");
    expect(refusal(output({ byteLength: 2 ** 53 }))).toBe("output");
  });

  it("if the output has too little room or is not aligned", () => {
    expect(refusal(output({ byteLength: 191 }))).toBe("output.byteLength");
    expect(refusal(output({ width: 5 }))).toBe("output.byteLength");
    expect(refusal(output({ offset: 700_002 }))).toBe("output.offset");
    expect(refusal(output({ offset: 700_001, dtype: "uint8" }))).toBeUndefined();
  });

  it("if its ranges overlap", () => {
    expect(refusal(output({ offset: 600_596 }))).toBe("output");
    expect(refusal(output({ offset: 524_284 }))).toBe("output");
    expect(refusal(source({ offset: 524_287 }))).toBe("source");
  });

  it("if the scratch region is too small", () => {
    const needed = scratchBytes({ source: VALID_JOB.source, output: VALID_JOB.output });
    expect(refusal(VALID_JOB, { offset: 3, byteLength: needed })).toBeUndefined();
    expect(refusal(VALID_JOB, { offset: 3, byteLength: 64 })).toBe("scratch");
  });
});

describe("at the very end of the memory", () => {
  const last = MEMORY_BYTES;

  it("a source, an output and a scratch region are read and written to their last byte, and not beyond", () => {
    const needed = scratchBytes({ source: VALID_JOB.source, output: VALID_JOB.output });
    expect(refusal(source({ offset: last - 600 }))).toBeUndefined();
    expect(refusal(output({ offset: last - 192 }))).toBeUndefined();
    expect(refusal(output({ offset: last - 48, byteLength: 48, dtype: "uint8" }))).toBeUndefined();
    expect(refusal(VALID_JOB, { offset: last - needed, byteLength: needed })).toBeUndefined();
  });

  it("boxes of the output's size are, too", () => {
    for (const width of [4, 10, 16, 17, 20]) {
      for (const dtype of ["uint8", "float32"] as const) {
        for (const flip of [false, true]) {
          const bytes = width * 10 * 3 * (dtype === "uint8" ? 1 : 4);
          const room = { offset: 700_000, byteLength: bytes, width, height: 10, dtype };
          const edge = { x: 20 - width, y: 0, width, height: 10 };
          const atEnd = { ...VALID_JOB.source, offset: last - 600 };
          expect(refusal({ source: atEnd, box: edge, flip, output: room })).toBeUndefined();
          const outputAtEnd = { ...room, offset: last - bytes };
          expect(refusal({ ...VALID_JOB, box: edge, flip, output: outputAtEnd })).toBeUndefined();
        }
      }
    }
  });
});

/** Scratch for RGB sources of that size and results of 224 by 224. */
const bytes = (width: number, height: number): number =>
  scratchBytes({ source: { width, height, channels: 3 }, output: { width: 224, height: 224 } });

describe("kernels and memories", () => {
  it("are refused with a scratch region outside of the memory", () => {
    for (const region of [
      { offset: MEMORY_BYTES, byteLength: 1 },
      { offset: -1, byteLength: 8 },
      { offset: 0, byteLength: Number.NaN },
    ])
      expect(() => createKernels(memory, region)).toThrow(/option scratch/u);
  });

  it("are refused with an impossible size", () => {
    for (const byteLength of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1])
      expect(() => createMemory({ byteLength })).toThrow(/option byteLength/u);
    for (const width of [0, 65_536, 1.5])
      expect(() =>
        scratchBytes({ source: { width, height: 1, channels: 3 }, output: { width: 1, height: 1 } }),
      ).toThrow(/option size/u);
  });

  it("need more scratch for larger sources, never less", () => {
    for (let side = 1; side < 5000; side += 7) {
      expect(bytes(side + 1, side)).toBeGreaterThanOrEqual(bytes(side, side));
      expect(bytes(side, side + 1)).toBeGreaterThanOrEqual(bytes(side, side));
    }
    expect(bytes(4000, 3000)).toBeLessThan(2 ** 17);
  });
});
