import { type Backend, selectBackend } from "@millrace/train";
import { count, SEED } from "@millrace/testkit";
import type { Rank, Tensor4D } from "@tensorflow/tfjs-core";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { numbers, relativeError } from "../on-backend.js";

interface Geometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly size: number;
  readonly stride: number;
  readonly pad: "same" | "valid";
}

const geometry: fc.Arbitrary<Geometry> = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 4, max: 9 }),
  width: fc.integer({ min: 4, max: 9 }),
  channels: fc.integer({ min: 1, max: 9 }),
  outChannels: fc.integer({ min: 1, max: 19 }),
  size: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 3 }),
  pad: fc.constantFrom("same" as const, "valid" as const),
});

/** Calls `visit` for every pixel that a window sees, with flat positions in the plane of inputs and of outputs. */
function forEachTap(g: Geometry, visit: (input: number, output: number, tap: number) => void): [number, number] {
  const out = (size: number) =>
    g.pad === "same" ? Math.ceil(size / g.stride) : Math.floor((size - g.size) / g.stride) + 1;
  const before = (size: number) =>
    g.pad === "valid" ? 0 : Math.floor(Math.max(0, (out(size) - 1) * g.stride + g.size - size) / 2);
  const [outHeight, outWidth] = [out(g.height), out(g.width)];
  for (let oy = 0; oy < outHeight; oy++) {
    for (let ox = 0; ox < outWidth; ox++) {
      for (let tap = 0; tap < g.size * g.size; tap++) {
        const y = oy * g.stride + Math.floor(tap / g.size) - before(g.height);
        const x = ox * g.stride + (tap % g.size) - before(g.width);
        if (y >= 0 && y < g.height && x >= 0 && x < g.width) visit(y * g.width + x, oy * outWidth + ox, tap);
      }
    }
  }
  return [outHeight, outWidth];
}

describe("for any size, stride and padding,", () => {
  let backend: Backend;
  beforeAll(async () => ({ backend } = await selectBackend("wasm")));
  afterAll(() => backend.close());

  it("the gradients of a convolution are those of its definition", () => {
    const { tf } = backend;
    fc.assert(
      fc.property(geometry, (g) => {
        const { batch, channels, outChannels: outC } = g;
        const plane = g.height * g.width;
        const [outHeight, outWidth] = forEachTap(g, () => {});
        const outPlane = outHeight * outWidth;
        const x = numbers(batch * plane * channels, 1);
        const w = numbers(g.size * g.size * channels * outC, 2);
        const dy = numbers(batch * outPlane * outC, 3);
        const dx = new Float64Array(x.length);
        const dw = new Float64Array(w.length);
        forEachTap(g, (input, output, tap) => {
          for (let n = 0; n < batch; n++)
            for (let ci = 0; ci < channels; ci++)
              for (let co = 0; co < outC; co++) {
                const atX = (n * plane + input) * channels + ci;
                const atW = (tap * channels + ci) * outC + co;
                const slope = dy[(n * outPlane + output) * outC + co]!;
                dx[atX]! += slope * w[atW]!;
                dw[atW]! += slope * x[atX]!;
              }
        });
        const [foundX, foundW] = gradientsOf(dy, [batch, outHeight, outWidth, outC], (images, filter) =>
          tf.conv2d(images, filter, g.stride, g.pad),
        )([x, [batch, g.height, g.width, channels]], [w, [g.size, g.size, channels, outC]]);
        expect(relativeError(foundX!, dx)).toBeLessThan(1e-5);
        expect(relativeError(foundW!, dw)).toBeLessThan(1e-5);
      }),
      { seed: SEED, numRuns: count(60, 2000) },
    );
  });

  it("max pooling gives each window's gradient to its first maximum, whatever its sign", () => {
    const { tf } = backend;
    const levels = fc.constantFrom(-1, 0, 1);
    fc.assert(
      fc.property(geometry, levels, (g, shift) => {
        const { batch, channels } = g;
        const plane = g.height * g.width;
        const [outHeight, outWidth] = forEachTap(g, () => {});
        const outPlane = outHeight * outWidth;
        // Few different values, so that many windows have several equal maxima.
        const x = numbers(batch * plane * channels, 4).map((value) => Math.round(value * 2) + shift * 10);
        const dy = numbers(batch * outPlane * channels, 5);
        const winners = new Int32Array(dy.length).fill(-1);
        forEachTap(g, (input, output) => {
          for (let n = 0; n < batch; n++)
            for (let c = 0; c < channels; c++) {
              const from = (n * plane + input) * channels + c;
              const to = (n * outPlane + output) * channels + c;
              if (winners[to] === -1 || x[from]! > x[winners[to]!]!) winners[to] = from;
            }
        });
        const dx = new Float64Array(x.length);
        for (const [to, from] of winners.entries()) dx[from]! += dy[to]!;
        const [found] = gradientsOf(dy, [batch, outHeight, outWidth, channels], (images) =>
          tf.maxPool(images, g.size, g.stride, g.pad),
        )([x, [batch, g.height, g.width, channels]]);
        expect(relativeError(found!, dx)).toBeLessThan(1e-6);
      }),
      { seed: SEED, numRuns: count(60, 2000) },
    );
  });

  type Input = [values: Float32Array, shape: [number, number, number, number]];

  /** The gradients of `compute` where the gradient of its result is `dy`. */
  function gradientsOf(dy: Float32Array, shape: Input[1], compute: (...inputs: Tensor4D[]) => Tensor4D) {
    return (...inputs: Input[]): ArrayLike<number>[] => {
      const { tf } = backend;
      const found: ArrayLike<number>[] = [];
      tf.tidy(() => {
        const tensors = inputs.map(([values, inputShape]) => tf.tensor4d(values, inputShape));
        const weights = tf.tensor4d(dy, shape);
        const take = tf.grads((...x) => tf.sum(tf.mul(compute(...(x as Tensor4D[])), weights)));
        for (const gradient of take(tensors)) found.push(gradient.dataSync());
      });
      return found;
    };
  }
});

it("a window of NaN alone passes its gradient on, so that the fault is not hidden", async () => {
  const { backend } = await selectBackend("wasm");
  const { tf } = backend;
  const x = tf.mul<Tensor4D>(tf.ones<Rank.R4>([1, 2, 2, 5]), Number.NaN);
  const dx = tf.grad((images) => tf.sum(tf.maxPool(images as Tensor4D, 2, 2, "valid")))(x);
  expect(tf.sum(dx).dataSync()[0]).toBe(5);
  await backend.close();
});

it("a tensor made by clone outlives the one it was made of", async () => {
  const { backend } = await selectBackend("wasm");
  const { tf } = backend;
  const first = tf.tensor1d([1, 2, 3]);
  const second = tf.clone(first);
  first.dispose();
  tf.tensor1d([9, 9, 9]);
  expect([...(await second.data())]).toEqual([1, 2, 3]);
  await backend.close();
});
