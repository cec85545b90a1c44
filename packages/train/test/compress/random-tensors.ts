import { elementsOf } from "@millrace/formats";
import type { QuantizedTensor } from "@millrace/train/compress";
import * as fc from "fast-check";

/** Shapes of few weights: scalars, empty ones, one weight, odd numbers of weights. */
export const shapes: fc.Arbitrary<number[]> = fc.oneof(
  fc.constantFrom<number[]>([], [0], [1], [3, 0, 2], [7], [1, 1], [3, 3, 2, 5]),
  fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
);

const floats = fc.float({ noNaN: true, noDefaultInfinity: true });
/** What makes a float awkward: signed zeros, the smallest and the largest numbers. */
const edges = fc.constantFrom(0, -0, 1e-45, -1e-45, 1.1754942e-38, 3.4028234663852886e38, -3.4028234663852886e38, 1);

/** Numbers of a tensor: any, small ones about zero, mostly zeros, all the same, or awkward ones. */
export function numbers(length: number): fc.Arbitrary<Float32Array> {
  const small = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 4096);
  const list = (one: fc.Arbitrary<number>) => fc.array(one, { minLength: length, maxLength: length });
  const sparse = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: small });
  return fc
    .oneof(
      list(floats),
      list(small),
      list(sparse),
      list(edges),
      floats.map((value) => Array.from({ length }, () => value)),
    )
    .map((values) => Float32Array.from(values));
}

/** Weights as {@link numbers} has them, with a shape. */
export const weights: fc.Arbitrary<{ shape: number[]; data: Float32Array }> = shapes.chain((shape) =>
  numbers(elementsOf(shape)).map((data) => ({ shape, data })),
);

const bytes = (length: number, max: number): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.array(fc.integer({ min: 0, max }), { minLength: length, maxLength: length }),
    fc.array(
      fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max }) }),
      {
        minLength: length,
        maxLength: length,
      },
    ),
  );

/** Tensors of every kind as a file may hold them, not only those that our quantisers make. */
export const tensors: fc.Arbitrary<QuantizedTensor> = fc
  .record({ shape: shapes, name: fc.string({ unit: "grapheme", maxLength: 8 }) })
  .chain(({ shape, name }): fc.Arbitrary<QuantizedTensor> => {
    const length = elementsOf(shape);
    return fc.oneof<fc.Arbitrary<QuantizedTensor>[]>(
      numbers(length).map((data) => ({ kind: "float32", name, shape, data })),
      bytes(length, 0x7bff).map((bits) => ({ kind: "float16", name, shape, data: Uint16Array.from(bits) })),
      int8(name, shape, length),
      fc
        .record({ centroids: fc.integer({ min: 1, max: 256 }).chain(numbers), zero: fc.boolean() })
        .chain(({ centroids, zero }) => {
          if (zero) centroids[centroids.length >> 1] = 0;
          const bits = Math.max(1, Math.ceil(Math.log2(centroids.length)));
          return bytes(length, centroids.length - 1).map((codes) => {
            return { kind: "codebook", name, shape, bits, centroids, codes: Uint8Array.from(codes) };
          });
        }),
      product(name, shape, length),
    );
  });

function int8(name: string, shape: number[], length: number): fc.Arbitrary<QuantizedTensor> {
  const axes = shape.length === 0 ? fc.constant(undefined) : fc.option(fc.nat(shape.length - 1), { nil: undefined });
  return axes.chain((axis) => {
    const channels = axis === undefined ? 1 : (shape[axis] as number);
    const zeroPoints = fc.option(
      bytes(channels, 255).map((values) => Int8Array.from(values)),
      { nil: undefined },
    );
    return fc
      .record({ data: bytes(length, 255), scales: numbers(channels), zeroPoints })
      .map(({ data, scales, zeroPoints: zeros }) => {
        const base = { kind: "int8", name, shape, data: Int8Array.from(data), scales } as const;
        return { ...base, ...(zeros && { zeroPoints: zeros }), ...(axis === undefined ? {} : { axis }) };
      });
  });
}

function product(name: string, shape: number[], length: number): fc.Arbitrary<QuantizedTensor> {
  return fc
    .record({
      vectorLength: fc.integer({ min: 1, max: 5 }),
      count: fc.constantFrom(1, 2, 256, 257, 1024),
      keep: fc.option(bytes(length, 1), { nil: undefined }),
    })
    .chain(({ vectorLength, count, keep }) => {
      const kept = keep === undefined ? length : keep.filter((mark) => mark === 1).length;
      const centroids = Float32Array.from({ length: count * vectorLength }, (_, i) => Math.sin(i));
      return bytes(Math.ceil(kept / vectorLength), count - 1).map((codes) => ({
        kind: "product",
        name,
        shape,
        vectorLength,
        centroids,
        codes: count <= 256 ? Uint8Array.from(codes) : Uint16Array.from(codes),
        ...(keep && { keep: Uint8Array.from(keep) }),
      }));
    });
}
