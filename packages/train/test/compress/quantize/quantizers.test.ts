import { elementsOf } from "@millrace/formats";
import { count, SEED } from "@millrace/testkit";
import { dequantizeTensor, type Int8Weights } from "@millrace/train/compress";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quantizeCodebook } from "../../../dist/compress/quantize/codebook.js";
import { fromFloat16, toFloat16 } from "../../../dist/compress/quantize/float16.js";
import { quantizeInt8 } from "../../../dist/compress/quantize/int8.js";
import { kMeans, linearCentroids, nearestCentroid, squaredError } from "../../../dist/compress/quantize/k-means.js";
import { quantizeProduct } from "../../../dist/compress/quantize/product.js";
import { RangeHistogram } from "../../../dist/compress/quantize/range-histogram.js";
import { tensorProblem } from "../../../dist/compress/quantize/tensor-problem.js";
import { numbers, weights } from "../random-tensors.js";

const runs = { seed: SEED, numRuns: count(200, 20_000) };

/** Fails unless a quantiser leaves zeros zero, everything finite, and parts that fit each other. */
function expectSound(tensor: Parameters<typeof dequantizeTensor>[0], data: Float32Array): Float32Array {
  expect(tensorProblem(tensor)).toBeUndefined();
  const back = dequantizeTensor(tensor);
  expect(back).toHaveLength(data.length);
  expect(back.every((value) => Number.isFinite(value))).toBe(true);
  expect(data.every((value, i) => value !== 0 || back[i] === 0)).toBe(true);
  return back;
}

describe("float16", () => {
  it("has every number of half precision, to the bit", () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits).filter((bits) => (bits & 0x7fff) <= 0x7c00);
    expect(toFloat16(fromFloat16(all))).toEqual(all);
    const some = fromFloat16(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7e00));
    expect([...some]).toEqual([1, -2, 65_504, 2 ** -14, 2 ** -24, -0, Number.POSITIVE_INFINITY, Number.NaN]);
  });

  it("rounds to the nearest of its numbers, and halfway to the even one", () => {
    const halfway = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 65_519, 65_520, -(2 ** -26)];
    const bits = [0x3c00, 0x3c02, 0, 2, 0x7bff, 0x7c00, 0x8000];
    expect([...toFloat16(Float32Array.from(halfway))]).toEqual(bits);
    const property = fc.property(fc.float({ noNaN: true, min: -65_504, max: 65_504 }), (value) => {
      const [half] = toFloat16(Float32Array.of(value)) as unknown as [number];
      const [found, below, above] = fromFloat16(Uint16Array.of(half, half - 1, half + 1));
      const error = Math.abs((found as number) - value);
      expect(error).toBeLessThanOrEqual(Math.abs(value) * 2 ** -11 + 2 ** -25);
      const others = [below, above].filter((other) => Number.isFinite(other)) as number[];
      expect(error).toBeLessThanOrEqual(Math.min(...others.map((other) => Math.abs(other - value))));
    });
    fc.assert(property, runs);
  });
});

describe("int8", () => {
  const options = fc.record({ symmetric: fc.boolean(), pick: fc.nat(3), isPerChannel: fc.boolean() });

  it("moves no weight by more than half a scale, in every shape, grid and axis", () => {
    const property = fc.property(weights, options, ({ shape, data }, { symmetric, pick, isPerChannel }) => {
      const axis = isPerChannel && shape.length > 0 ? pick % shape.length : undefined;
      const tensor = quantizeInt8("w", shape, data, { symmetric, axis });
      const back = expectSound(tensor, data);
      const inner = axis === undefined ? 1 : elementsOf(shape.slice(axis + 1));
      const channels = tensor.scales.length;
      for (const [i, value] of data.entries()) {
        const scale = tensor.scales[axis === undefined ? 0 : Math.floor(i / inner) % channels] as number;
        // Half a step, and the rounding of the product of level and scale to float32.
        const bound = scale / 2 + 128 * scale * 2 ** -24 + 2 ** -149;
        expect(Math.abs((back[i] as number) - value)).toBeLessThanOrEqual(bound);
      }
      expect(tensor.zeroPoints === undefined).toBe(symmetric);
      expect(tensor.data.every((level) => level >= (symmetric ? -127 : -128))).toBe(true);
    });
    fc.assert(property, runs);
  });

  it("per channel is each channel quantised by itself", () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i) * 10 ** (i % 3));
    const whole = quantizeInt8("w", [4, 2, 3], data, { symmetric: true, axis: 2 });
    for (let channel = 0; channel < 3; channel++) {
      const isOf = (_: number, i: number): boolean => i % 3 === channel;
      const alone = quantizeInt8("w", [8], data.filter(isOf), { symmetric: true, axis: undefined });
      expect(whole.data.filter(isOf)).toEqual(alone.data);
      expect(whole.scales[channel]).toBe(alone.scales[0]);
    }
  });

  it("uses all levels of an affine grid, with zero among them", () => {
    const data = Float32Array.of(-1, 0, 3);
    const { data: levels, scales, zeroPoints } = quantizeInt8("w", [3], data, { symmetric: false, axis: undefined });
    expect([...levels]).toEqual([-128, -64, 127]);
    expect([zeroPoints?.[0], scales[0]]).toEqual([-64, Math.fround(4 / 255)]);
  });

  it("reads scales that a file may hold without going beyond float32", () => {
    const huge: Int8Weights = {
      kind: "int8",
      name: "w",
      shape: [2],
      data: Int8Array.of(127, -128),
      scales: Float32Array.of(3e38),
    };
    expect([...dequantizeTensor(huge)]).toEqual([3.4028234663852886e38, -3.4028234663852886e38]);
  });
});

describe("k-means", () => {
  const cases = fc.record({
    data: fc.integer({ min: 1, max: 60 }).chain(numbers),
    clusters: fc.integer({ min: 1, max: 20 }),
  });

  it("is never worse than its linear initialisation", () => {
    const property = fc.property(cases, ({ data, clusters }) => {
      const sorted = data.toSorted();
      const centroids = kMeans(sorted, clusters);
      expect(centroids.length).toBeLessThanOrEqual(clusters);
      expect(centroids).toEqual(centroids.toSorted());
      const linear = squaredError(sorted, linearCentroids(sorted, clusters));
      expect(squaredError(sorted, centroids)).toBeLessThanOrEqual(linear);
    });
    fc.assert(property, runs);
  });

  it("is exact where there are no more different numbers than centroids", () => {
    expect([...kMeans(Float32Array.of(-1, -1, 2, 2, 2, 7), 4)]).toEqual([-1, 2, 7]);
    expect([...kMeans(Float32Array.of(5, 5, 5), 1)]).toEqual([5]);
    expect([...kMeans(new Float32Array(0), 4)]).toEqual([]);
  });

  it("ends where each centroid is the mean of the numbers nearest to it", () => {
    const sorted = Float32Array.from({ length: 500 }, (_, i) => Math.tan((i - 250) / 200)).toSorted();
    const centroids = kMeans(sorted, 12);
    for (const [index, centroid] of centroids.entries()) {
      const own = sorted.filter((value) => nearestCentroid(centroids, value) === index);
      expect(centroid).toBeCloseTo(own.reduce((sum, value) => sum + value, 0) / own.length, 5);
    }
  });

  it("takes the nearest centroid, and halfway the lower", () => {
    const centroids = Float32Array.of(-1, 1, 4);
    expect([-9, 0, 0.1, 2.5, 2.6, 9].map((value) => nearestCentroid(centroids, value))).toEqual([0, 0, 1, 1, 2, 2]);
  });
});

describe("a codebook", () => {
  it("has at most 2 ** bits values, and is no worse than equal steps over the range of the weights", () => {
    const property = fc.property(weights, fc.integer({ min: 1, max: 8 }), ({ shape, data }, bits) => {
      const tensor = quantizeCodebook("w", shape, data, bits);
      const back = expectSound(tensor, data);
      expect(new Set(back).size).toBeLessThanOrEqual(2 ** bits);
      const others = data.filter((value) => value !== 0);
      const [least, greatest] = [Math.min(...others), Math.max(...others)];
      const steps = 2 ** bits - (others.length < data.length ? 1 : 0) - 1;
      const step = (greatest - least) / Math.max(1, steps);
      const squared = data.reduce((sum, value, i) => sum + (value - (back[i] as number)) ** 2, 0);
      const bound = others.length === 0 ? 0 : others.length * (step / 2) ** 2 * (1 + 1e-6) + 1e-80;
      expect(squared).toBeLessThanOrEqual(bound);
    });
    fc.assert(property, runs);
  });

  it("keeps the first centroid for the zeros of a pruned tensor", () => {
    const { centroids, codes } = quantizeCodebook("w", [6], Float32Array.of(0, 3, -0, -5, 0, 3), 4);
    expect([...centroids]).toEqual([0, -5, 3]);
    expect([...codes]).toEqual([0, 2, 0, 1, 0, 2]);
  });
});

describe("a codebook of vectors", () => {
  const settings = fc.record({
    bits: fc.integer({ min: 1, max: 10 }),
    vectorLength: fc.integer({ min: 1, max: 5 }),
    seed: fc.nat(9),
  });

  it("has at most 2 ** bits vectors, is a function of its seed, and exact where there are no more different ones", () => {
    const property = fc.property(weights, settings, ({ shape, data }, options) => {
      const tensor = quantizeProduct("w", shape, data, options);
      const back = expectSound(tensor, data);
      expect(tensor.centroids.length).toBeLessThanOrEqual(2 ** options.bits * options.vectorLength);
      expect(quantizeProduct("w", shape, data, options)).toEqual(tensor);
      const exact = tensor.codes.length <= 2 ** options.bits ? data.map((value) => (value === 0 ? 0 : value)) : back;
      expect(back).toEqual(exact);
    });
    fc.assert(property, { ...runs, numRuns: count(100, 10_000) });
  });

  it("is better the more vectors it has, and never worse than one mean vector", () => {
    const data = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * i));
    const errors = [1, 4, 8].map((bits) => {
      const back = dequantizeTensor(quantizeProduct("w", [4000], data, { bits, vectorLength: 2, seed: 1 }));
      return data.reduce((sum, value, i) => sum + (value - (back[i] as number)) ** 2, 0);
    });
    const variance = data.reduce((sum, value) => sum + value * value, 0);
    expect([variance, ...errors]).toEqual([variance, ...errors].toSorted((a, b) => b - a));
    expect(errors[2]).toBeLessThan(0.02 * variance);
  });
});

describe("a histogram of unknown range", () => {
  it("has the percentiles of the numbers to one part in 512 of the greatest", () => {
    const property = fc.property(
      fc.array(fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 40 }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.constantFrom(100, 99.9, 90, 50),
      (parts, percentile) => {
        const histogram = new RangeHistogram();
        for (const part of parts) expect(histogram.add(part)).toBe(true);
        const all = parts.flat();
        expect(histogram.count).toBe(all.length);
        const { min, max } = histogram.range(percentile);
        const greatest = Math.max(...all.map(Math.abs));
        const outside = Math.floor((all.length * (100 - percentile)) / 100);
        const upper = Math.max(0, all.toSorted((a, b) => b - a)[outside] as number);
        const lower = Math.min(0, all.toSorted((a, b) => a - b)[outside] as number);
        expect(Math.abs(max - upper)).toBeLessThanOrEqual(greatest / 512);
        expect(Math.abs(min - lower)).toBeLessThanOrEqual(greatest / 512);
        expect(histogram.range(100)).toEqual({ min: Math.min(0, ...all), max: Math.max(0, ...all) });
      },
    );
    fc.assert(property, runs);
  });

  it("counts nothing of a part that is not finite", () => {
    const histogram = new RangeHistogram();
    expect(histogram.add([1, Number.NaN])).toBe(false);
    expect(histogram.add([9, Number.POSITIVE_INFINITY])).toBe(false);
    expect([histogram.count, histogram.range(100)]).toEqual([0, { min: 0, max: 0 }]);
  });
});
