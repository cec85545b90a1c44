import { type Backend, type BackendName, type HostTensor, type PixelAffine, selectBackend } from "@millrace/train";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { numbers, tensorflowSkip } from "../backends/on-backend.js";

type Shape = readonly [number, number, number, number];

/** The definition, in float32: what every backend must give to the bit. */
function reference(pixels: Uint8Array, channels: number, affine: PixelAffine | undefined): Float32Array {
  const { fround } = Math;
  return Float32Array.from(pixels, (pixel, i) => {
    if (affine === undefined) return pixel;
    const { scale, shift } = affine;
    return fround(fround(pixel * fround(scale[i % channels]!)) + fround(shift[i % channels]!));
  });
}

/** True where both hold the same bytes: a matcher walks tens of thousands of numbers far slower. */
function areSame(found: ArrayBufferView, expected: ArrayBufferView): boolean {
  return bytesOf(found).equals(bytesOf(expected));
}

function bytesOf(array: ArrayBufferView): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** Bytes at an offset of a shared memory. */
function sharedBytes(length: number, offset: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length + offset), offset, length);
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(i + 1, 2_654_435_761) >>> 24;
  return bytes;
}

function pixelsOf(shape: Shape, offset: number): HostTensor & { readonly data: Uint8Array } {
  const length = shape.reduce((product, size) => product * size, 1);
  return { data: sharedBytes(length, offset), dtype: "uint8", shape };
}

const IMAGENET: PixelAffine = {
  scale: [0.229, 0.224, 0.225].map((deviation) => 1 / (255 * deviation)),
  shift: [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
};

/** Numbers whose product with a pixel float32 cannot hold in full: TensorFlow takes those for 0. */
const withoutSubnormals = (value: number) => (Math.abs(value) < 1e-30 ? 0 : value);

const affineOf = (channels: number): fc.Arbitrary<PixelAffine | undefined> => {
  const each = (limit: number) =>
    fc.array(fc.double({ min: -limit, max: limit, noNaN: true }).map(withoutSubnormals), {
      minLength: channels,
      maxLength: channels,
    });
  return fc.option(fc.record({ scale: each(2), shift: each(300) }), { nil: undefined });
};

const upload = fc
  .tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 5 }),
  )
  .chain((shape) =>
    fc.record({ shape: fc.constant(shape), affine: affineOf(shape[3]), offset: fc.integer({ min: 0, max: 65 }) }),
  );

describe.each<[name: BackendName, skip: string | undefined]>([
  ["cpu", undefined],
  ["wasm", undefined],
  ["tensorflow", tensorflowSkip],
])("an upload to %s", (name, skip) => {
  let backend: Backend;
  beforeAll(async () => {
    if (skip === undefined) ({ backend } = await selectBackend(name));
  });
  afterAll(() => backend?.close());
  it.skipIf(skip)("equals the float reference to the bit, from shared memory at any offset", () => {
    fc.assert(
      fc.property(upload, ({ shape, affine, offset }) => {
        const image = pixelsOf(shape, offset);
        const tensor = backend.upload(image, affine);
        expect(tensor.shape).toEqual(shape);
        expect(tensor.dtype).toBe("float32");
        expect(areSame(tensor.dataSync(), reference(image.data, shape[3], affine))).toBe(true);
        tensor.dispose();
      }),
      { seed: SEED, numRuns: count(100, 3000) },
    );
  });

  it.skipIf(skip)("has read the batch when it returns, wherever the batch lies", () => {
    const shape = [2, 64, 64, 3] as const;
    // TensorFlow takes memory over without a copy where it is aligned to 64 bytes, which is at one of these.
    for (let offset = 0; offset < 64; offset += 4) {
      const image = pixelsOf(shape, offset);
      const expected = reference(image.data, 3, IMAGENET);
      const fromBytes = backend.upload(image, IMAGENET);
      image.data.fill(0);
      expect(areSame(fromBytes.dataSync(), expected)).toBe(true);

      const floats = new Float32Array(new SharedArrayBuffer(expected.byteLength + offset), offset, expected.length);
      floats.set(expected);
      const fromFloats = backend.upload({ data: floats, dtype: "float32", shape });
      floats.fill(0);
      expect(areSame(fromFloats.dataSync(), expected)).toBe(true);

      const classes = new Int32Array(new SharedArrayBuffer(4096 + offset), offset, 1024).fill(3);
      const labels = backend.uploadLabels({ data: classes, dtype: "int32", shape: [1024] });
      classes.fill(0);
      expect(areSame(labels.dataSync(), new Int32Array(1024).fill(3))).toBe(true);
      backend.tf.dispose([fromBytes, fromFloats, labels]);
    }
  });

  it.skipIf(skip)("reads a shared memory of WebAssembly", () => {
    const memory = new (globalThis as unknown as { WebAssembly: { Memory: WasmMemory } }).WebAssembly.Memory({
      initial: 1,
      maximum: 2,
      shared: true,
    });
    const data = new Uint8Array(memory.buffer, 13, 48);
    data.set(sharedBytes(48, 0));
    const tensor = backend.upload({ data, dtype: "uint8", shape: [1, 4, 4, 3] }, IMAGENET);
    expect(tensor.dataSync()).toEqual(reference(data, 3, IMAGENET));
    tensor.dispose();
  });

  it.skipIf(skip)("takes floats as they are", () => {
    const data = numbers(24, 1);
    data[3] = -0;
    data[4] = Number.NaN;
    const tensor = backend.upload({ data, dtype: "float32", shape: [2, 2, 2, 3] }, IMAGENET);
    expect(tensor.dataSync()).toEqual(data);
    tensor.dispose();
  });

  it.skipIf(skip)("takes labels of every integer dtype", () => {
    const arrays = [
      ["uint8", Uint8Array.of(0, 255)],
      ["int8", Int8Array.of(-1, 5)],
      ["uint16", Uint16Array.of(0, 65_535)],
      ["int16", Int16Array.of(-9, 9)],
      ["uint32", Uint32Array.of(7, 100_000)],
      ["int32", Int32Array.of(-2, 2_000_000)],
    ] as const;
    for (const [dtype, data] of arrays) {
      const labels = backend.uploadLabels({ data, dtype, shape: [2] });
      expect(labels.dtype).toBe("int32");
      expect([...labels.dataSync()]).toEqual([...data]);
      labels.dispose();
    }
  });

  it.skipIf(skip)("keeps nothing but one affine, and nothing after close", async () => {
    const { tf } = backend;
    const held = () => tf.engine().state.numTensors;
    const image = pixelsOf([1, 3, 5, 3], 1);
    backend.upload(image, IMAGENET).dispose();
    const before = held();
    for (let i = 0; i < 5; i++) {
      backend.upload(image, { scale: [i, i, i], shift: [0, 0, 0] }).dispose();
      backend.upload(image).dispose();
    }
    expect(held()).toBe(before);
    await backend.close();
    expect(held()).toBe(0);
  });
});

type WasmMemory = new (limits: { initial: number; maximum: number; shared: boolean }) => { buffer: SharedArrayBuffer };

describe("an upload refuses", () => {
  let backend: Backend;
  beforeAll(async () => ({ backend } = await selectBackend("wasm")));
  afterAll(() => backend.close());
  const data = new Uint8Array(12);

  it.each<[what: string, image: HostTensor, affine: PixelAffine | undefined, text: RegExp]>([
    [
      "three axes",
      { data, dtype: "uint8", shape: [2, 2, 3] },
      undefined,
      /wrong shape; expected \[batch.* found \[2, 2, 3\]/,
    ],
    [
      "int32 pixels",
      { data: new Int32Array(12), dtype: "int32", shape: [1, 2, 2, 3] },
      undefined,
      /uint8 or float32, found int32/,
    ],
    ["too few pixels", { data, dtype: "uint8", shape: [1, 2, 3, 3] }, undefined, /expected 18 elements, found 12/],
    [
      "an array of another dtype",
      { data: new Float32Array(12), dtype: "uint8", shape: [1, 2, 2, 3] },
      undefined,
      /expected uint8, found Float32Array/,
    ],
    [
      "a scale for other channels",
      { data, dtype: "uint8", shape: [1, 2, 2, 3] },
      { scale: [1], shift: [0, 0, 0] },
      /scale .* 3 finite numbers, found \[1\]/,
    ],
    [
      "a shift that is no number",
      { data, dtype: "uint8", shape: [1, 2, 2, 3] },
      { scale: [1, 1, 1], shift: [0, Number.NaN, 0] },
      /shift .* found \[0, NaN, 0\]/,
    ],
  ])("%s", (_what, image, affine, text) => {
    expect(() => backend.upload(image, affine)).toThrow(text);
  });

  it("labels that are not a list of integers", () => {
    expect(() => backend.uploadLabels({ data: new Float32Array(2), dtype: "float32", shape: [2] })).toThrow(/float32/);
    expect(() => backend.uploadLabels({ data, dtype: "uint8", shape: [3, 4] })).toThrow(/expected \[batch\]/);
  });
});
