import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactLevels } from "./exact-levels.js";
import { anyJob, ELEMENT_BYTES, floats, halfValue, noise, valuesOf, Workbench, type JobSpec } from "./workbench.js";

const bench = new Workbench();
const whole = (width: number, height: number): JobSpec["box"] => ({ x: 0, y: 0, width, height });
const pixelsOf = (spec: JobSpec, seed: number): Uint8Array => noise(spec.width * spec.height * spec.channels, seed);

function photoJob(overrides: Partial<JobSpec>): JobSpec {
  const base = {
    width: 37,
    height: 29,
    channels: 3,
    flip: false,
    dtype: "uint8",
    outWidth: 16,
    outHeight: 12,
  } as const;
  const spec = { ...base, ...overrides };
  return { box: whole(spec.width, spec.height), ...spec };
}

/** Whether the kernels give different bytes; each run also checks that no other byte is touched. */
function differ(spec: JobSpec, seed: number, unaligned: number): boolean {
  const pixels = pixelsOf(spec, seed);
  return Buffer.compare(bench.run("simd", spec, pixels, unaligned), bench.run("plain", spec, pixels, unaligned)) !== 0;
}

describe("the SIMD kernels and their plain twin", () => {
  it("give the same bytes for every job, and write nothing outside of output and scratch", () => {
    const property = fc.property(anyJob(40, 40), fc.nat(), fc.nat(15), (spec, seed, unaligned) => {
      expect(differ(spec, seed, unaligned)).toBe(false);
    });
    fc.assert(property, { seed: SEED, numRuns: count(600, 20_000) });
  });

  it("give the same bytes when many source pixels make one output pixel", () => {
    const property = fc.property(anyJob(300, 12), fc.nat(), (spec, seed) => {
      expect(differ(spec, seed, 0)).toBe(false);
    });
    fc.assert(property, { seed: SEED, numRuns: count(60, 1500) });
  });

  it("give the same bytes whatever they have resampled before", () => {
    const jobs = fc.array(fc.tuple(anyJob(60, 24), fc.nat()), { minLength: 2, maxLength: 12 });
    const property = fc.property(jobs, (list) => {
      const kept = new Workbench(true, true);
      const run = ([spec, seed]: (typeof list)[number]): string =>
        Buffer.from(kept.run("simd", spec, pixelsOf(spec, seed))).toString("base64");
      const expected = list.map(([spec, seed]) =>
        Buffer.from(bench.run("simd", spec, pixelsOf(spec, seed))).toString("base64"),
      );
      expect(list.map(run)).toEqual(expected);
      expect(list.toReversed().map(run)).toEqual(expected.toReversed());
    });
    fc.assert(property, { seed: SEED, numRuns: count(20, 400) });
  });

  it("give the same bytes on a memory that is not shared", () => {
    const unshared = new Workbench(false);
    const spec = photoJob({ dtype: "float32" });
    const pixels = pixelsOf(spec, 5);
    expect(unshared.run("simd", spec, pixels)).toEqual(bench.run("plain", spec, pixels));
  });
});

/** The float16 nearest to a number, ties to even, by scaling its last bit to 1. */
function nearestHalf(value: number): number {
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(value) || 1)));
  const unit = 2 ** (exponent - 10);
  const scaled = value / unit;
  const floor = Math.floor(scaled);
  const isUp = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 !== 0);
  const rounded = (isUp ? floor + 1 : floor) * unit;
  return Math.abs(rounded) >= 65_536 ? Math.sign(value) * Number.POSITIVE_INFINITY : rounded;
}

describe("a resampled image", () => {
  it("is within half a level and a rounding of the exact triangle filter", () => {
    const property = fc.property(anyJob(40, 40), fc.nat(), (spec, seed) => {
      const pixels = pixelsOf(spec, seed);
      const output = bench.run("simd", spec, pixels);
      const values = valuesOf(spec, output);
      const isFar = (level: number, i: number): boolean => {
        const scale = Math.fround(spec.scale?.[i % spec.channels] ?? 1);
        const shift = Math.fround(spec.shift?.[i % spec.channels] ?? 0);
        const expected = level * scale + shift;
        // A float16 has 11 bits.
        const rounding = spec.dtype === "float16" ? 2 ** -11 * Math.abs(expected) : 0;
        const tolerance = spec.dtype === "uint8" ? 0.5 + 0.05 : 0.05 * Math.abs(scale) + 1e-4 + rounding;
        return Math.abs((values[i] as number) - expected) > tolerance;
      };
      expect([spec, exactLevels(spec, pixels).findIndex(isFar)]).toEqual([spec, -1]);
    });
    fc.assert(property, { seed: SEED, numRuns: count(150, 3000) });
  });

  it("keeps a flat colour exactly, at any scale", () => {
    for (const level of [0, 1, 127, 128, 254, 255]) {
      for (const [outWidth, outHeight] of [
        [5, 3],
        [40, 60],
        [36, 29],
        [1, 1],
      ] as const) {
        const spec = photoJob({ outWidth, outHeight });
        const pixels = new Uint8Array(37 * 29 * 3).fill(level);
        expect(new Set(bench.run("simd", spec, pixels))).toEqual(new Set([level]));
        expect(new Set(floats(bench.run("simd", { ...spec, dtype: "float32" }, pixels)))).toEqual(new Set([level]));
      }
    }
  });

  it("is, flipped, the mirror of itself", () => {
    for (const dtype of ["uint8", "float32"] as const) {
      for (const box of [
        whole(37, 29),
        { x: 3, y: 2, width: 16, height: 12 },
        { x: 1.5, y: 0.25, width: 30.1, height: 20 },
      ]) {
        const spec = photoJob({ box, dtype });
        const pixels = pixelsOf(spec, 9);
        const straight = bench.run("simd", spec, pixels);
        const flipped = bench.run("simd", { ...spec, flip: true }, pixels);
        const pixelBytes = dtype === "uint8" ? 3 : 12;
        for (let y = 0; y < 12; y++) {
          for (let x = 0; x < 16; x++) {
            const at = (y * 16 + x) * pixelBytes;
            const mirror = (y * 16 + 15 - x) * pixelBytes;
            expect(
              Buffer.compare(flipped.subarray(at, at + pixelBytes), straight.subarray(mirror, mirror + pixelBytes)),
            ).toBe(0);
          }
        }
      }
    }
  });

  it("is, flipped vertically, the same rows from bottom to top", () => {
    for (const dtype of ["uint8", "float16", "float32"] as const) {
      for (const box of [whole(37, 29), { x: 3, y: 2, width: 16, height: 12 }]) {
        const spec = photoJob({ box, dtype });
        const pixels = pixelsOf(spec, 10);
        const straight = bench.run("simd", spec, pixels);
        const flipped = bench.run("simd", { ...spec, flipVertical: true }, pixels);
        const rowBytes = 16 * 3 * ELEMENT_BYTES[dtype];
        const rows = Array.from({ length: 12 }, (_, y) => straight.subarray((11 - y) * rowBytes, (12 - y) * rowBytes));
        expect(Buffer.compare(flipped, Buffer.concat(rows))).toBe(0);
      }
    }
  });

  it("as NCHW holds the same values as NHWC, one channel after the other", () => {
    for (const dtype of ["uint8", "float16", "float32"] as const) {
      for (const outWidth of [1, 5, 16, 37]) {
        const spec = photoJob({ dtype, outWidth, outHeight: 29 });
        const pixels = pixelsOf(spec, 12);
        const apart = { ...spec, layout: "nchw" } as const;
        const values = valuesOf(apart, bench.run("simd", apart, pixels));
        expect(values).toEqual(valuesOf(spec, bench.run("simd", spec, pixels)));
      }
    }
  });

  it("as float16 is the float32 rounded to the nearest, ties to even, from the subnormals to infinity", () => {
    const levels = Uint8Array.from({ length: 256 }, (_, i) => i);
    const copy = { width: 256, height: 1, channels: 1, box: whole(256, 1), flip: false, outWidth: 256, outHeight: 1 };
    // Scales that give subnormals, ties, values around the largest finite one, and signs.
    for (const scale of [
      2 ** -24,
      2 ** -25,
      -(2 ** -26),
      2 ** -22,
      0.1,
      -1 / 58.4,
      1 + 2 ** -11,
      257,
      257.007_8,
      1e30,
    ]) {
      for (const shift of [0, 2 ** -15, 1, -2.1, 2048, -65_000]) {
        const spec = { ...copy, scale: [scale], shift: [shift] } as const;
        const exact = floats(bench.run("simd", { ...spec, channels: 1, dtype: "float32" }, levels));
        const half: JobSpec = { ...spec, channels: 1, dtype: "float16" };
        const bits = new Uint16Array(bench.run("simd", half, levels).buffer);
        // Adding 0 makes the two zeros one.
        expect(Array.from(bits, (b) => halfValue(b) + 0)).toEqual(Array.from(exact, (value) => nearestHalf(value) + 0));
        expect(new Uint16Array(bench.run("plain", half, levels).buffer)).toEqual(bits);
      }
    }
  });

  it("of a box depends on the pixels of the box alone, as if the source had been cropped", () => {
    const box = { x: 5, y: 4, width: 20, height: 18 };
    const spec = photoJob({ box });
    const pixels = pixelsOf(spec, 11);
    const cropped = new Uint8Array(20 * 18 * 3);
    for (let y = 0; y < 18; y++) {
      const from = ((4 + y) * 37 + 5) * 3;
      cropped.set(pixels.subarray(from, from + 60), y * 60);
    }
    const crop = photoJob({ width: 20, height: 18, box: whole(20, 18) });
    expect(bench.run("simd", spec, pixels)).toEqual(bench.run("simd", crop, cropped));
  });

  it("of a box of the output's size is the box itself", () => {
    const spec = photoJob({ box: { x: 7, y: 3, width: 16, height: 12 } });
    const pixels = pixelsOf(spec, 13);
    const bytes = bench.run("simd", spec, pixels);
    for (let y = 0; y < 12; y++) {
      const from = ((3 + y) * 37 + 7) * 3;
      expect(bytes.subarray(y * 48, y * 48 + 48)).toEqual(pixels.subarray(from, from + 48));
    }
  });

  it("of float32 is level * scale + shift in each channel", () => {
    const spec = photoJob({ box: { x: 0, y: 0, width: 16, height: 12 }, dtype: "float32" });
    const pixels = pixelsOf(spec, 15);
    const [scale, shift] = [
      [1 / 58.4, 1 / 57.1, 1 / 57.4],
      [-2.1, -2, -1.8],
    ];
    const values = floats(bench.run("simd", { ...spec, scale, shift }, pixels));
    const levels = bench.run("simd", { ...spec, dtype: "uint8" }, pixels);
    levels.forEach((level, i) => {
      const expected = level * (scale[i % 3] as number) + (shift[i % 3] as number);
      expect(Math.abs((values[i] as number) - expected)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected)));
    });
  });
});
