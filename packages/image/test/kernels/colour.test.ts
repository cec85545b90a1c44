import { createKernels, createMemory, createPlainKernels, type ColourKernels, type Kernels } from "@millrace/image";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noise } from "./workbench.js";

const memory = createMemory({ byteLength: 2 ** 20 });
const bytes = new Uint8Array(memory.buffer);
const scratch = { offset: 0, byteLength: 4096 };
const [simd, plain] = [createKernels(memory, scratch), createPlainKernels(memory, scratch)];
const OPERATIONS = ["brightness", "contrast", "saturation", "hue", "grayscale"] as const;

interface Change {
  readonly operation: keyof ColourKernels;
  readonly factor: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** Changes pixels at an odd offset, and expects no byte around them to change. */
function run(kernels: Kernels, change: Change, pixels: Uint8Array, offset = 10_001): Uint8Array {
  const { operation, factor, width, height, channels } = change;
  bytes.fill(0xa5, scratch.byteLength, offset + pixels.length + 64);
  bytes.set(pixels, offset);
  kernels[operation]({ offset, width, height, channels }, factor);
  const end = offset + pixels.length;
  expect(bytes.subarray(scratch.byteLength, offset).every((byte) => byte === 0xa5)).toBe(true);
  expect(bytes.subarray(end, end + 64).every((byte) => byte === 0xa5)).toBe(true);
  return bytes.slice(offset, end);
}

const rgb = (operation: Change["operation"], factor: number, pixels: readonly number[]): number[] => {
  const change = { operation, factor, width: pixels.length / 3, height: 1, channels: 3 } as const;
  const answers = [simd, plain].map((kernels) => [...run(kernels, change, Uint8Array.from(pixels))]);
  expect(answers[0]).toEqual(answers[1]);
  return answers[0] as number[];
};

const anyChange = fc.record({
  operation: fc.constantFrom(...OPERATIONS),
  factor: fc.double({ min: 0, max: 4, noNaN: true }),
  width: fc.integer({ min: 1, max: 40 }),
  height: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom<1 | 3>(1, 3),
  seed: fc.nat(),
});

describe("changes of colour", () => {
  it("give the same bytes as their plain twin, and touch nothing but the image", () => {
    const property = fc.property(anyChange, ({ seed, ...any }) => {
      const change = any.operation === "hue" ? { ...any, factor: any.factor / 4 - 0.5 } : any;
      const pixels = noise(change.width * change.height * change.channels, seed);
      expect(Buffer.compare(run(simd, change, pixels), run(plain, change, pixels))).toBe(0);
    });
    fc.assert(property, { seed: SEED, numRuns: count(300, 5000) });
  });

  it("of every hue give the same bytes as their plain twin", () => {
    const pixels = new Uint8Array(64 * 64 * 3);
    for (let i = 0; i < 64 * 64; i++) pixels.set([(i & 15) * 17, ((i >> 4) & 15) * 17, (i >> 8) * 17], i * 3);
    for (const factor of [-0.5, -1 / 3, -0.1, 0, 1e-3, 1 / 6, 0.25, 0.5]) {
      const change = { operation: "hue", factor, width: 64, height: 64, channels: 3 } as const;
      expect(Buffer.compare(run(simd, change, pixels), run(plain, change, pixels))).toBe(0);
    }
  });

  it("brightness multiplies, cuts off the fraction, and stops at white", () => {
    expect(rgb("brightness", 0.5, [0, 1, 255])).toEqual([0, 0, 127]);
    expect(rgb("brightness", 1.5, [100, 101, 200])).toEqual([150, 151, 255]);
    expect(rgb("brightness", 0, [1, 2, 255])).toEqual([0, 0, 0]);
  });

  it("contrast blends with the mean of the grey levels", () => {
    expect(rgb("contrast", 0, [0, 0, 0, 255, 255, 255])).toEqual(Array.from({ length: 6 }, () => 127));
    expect(rgb("contrast", 2, [100, 100, 100, 200, 200, 200])).toEqual([51, 51, 51, 251, 251, 251]);
  });

  it("saturation blends with the grey image", () => {
    expect(rgb("saturation", 0, [255, 0, 0])).toEqual([76, 76, 76]);
    expect(rgb("saturation", 2, [90, 90, 90, 200, 100, 100])).toEqual([91, 91, 91, 255, 71, 71]);
  });

  it("hue turns red to green by a third, to cyan by half, and leaves grey alone", () => {
    expect(rgb("hue", 1 / 3, [255, 0, 0, 77, 77, 77])).toEqual([0, 255, 0, 77, 77, 77]);
    expect(rgb("hue", 0.5, [255, 0, 0])).toEqual([0, 255, 255]);
    expect(rgb("hue", -0.5, [255, 0, 0])).toEqual([0, 255, 255]);
  });

  it("grayscale weighs the channels; an image of one channel stays as it is", () => {
    expect(rgb("grayscale", 0, [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])).toEqual(
      [76, 76, 76, 149, 149, 149, 29, 29, 29].concat([8, 8, 8]),
    );
    for (const operation of ["saturation", "hue", "grayscale"] as const) {
      const change = { operation, factor: 0.3, width: 2, height: 1, channels: 1 } as const;
      expect([...run(simd, change, Uint8Array.of(7, 200))]).toEqual([7, 200]);
    }
  });

  it("reach the last byte of the memory, and not beyond", () => {
    for (const operation of OPERATIONS) {
      const offset = 2 ** 20 - 5 * 3;
      bytes.fill(100, offset);
      for (const kernels of [simd, plain])
        expect(() => kernels[operation]({ offset, width: 5, height: 1, channels: 3 }, 0.5)).not.toThrow();
    }
  });

  it("refuse an image outside of the memory or in the scratch region, and impossible factors", () => {
    const image = { offset: 10_000, width: 4, height: 4, channels: 3 } as const;
    for (const kernels of [simd, plain]) {
      for (const operation of OPERATIONS) {
        expect(() => kernels[operation]({ ...image, offset: 2 ** 20 - 47 }, 0.5)).toThrow(/option source/u);
        expect(() => kernels[operation]({ ...image, offset: 4095 }, 0.5)).toThrow(/overlaps the scratch region/u);
        expect(() => kernels[operation]({ ...image, width: 0 }, 0.5)).toThrow(/option source\.width/u);
      }
      for (const factor of [-0.1, Number.NaN, Number.POSITIVE_INFINITY, 1e300])
        for (const operation of ["brightness", "contrast", "saturation"] as const)
          expect(() => kernels[operation](image, factor)).toThrow(new RegExp(`option ${operation}`, "u"));
      for (const shift of [-0.51, 0.51, Number.NaN]) expect(() => kernels.hue(image, shift)).toThrow(/option hue/u);
    }
  });
});
