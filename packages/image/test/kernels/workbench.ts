import {
  createKernels,
  createMemory,
  createPlainKernels,
  scratchBytes,
  type Box,
  type Kernels,
  type OutputDtype,
  type OutputLayout,
  type ResampleJob,
} from "@millrace/image";
import * as fc from "fast-check";

/** A job without places in memory. */
export interface JobSpec {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly box: Box;
  readonly flip: boolean;
  readonly outWidth: number;
  readonly outHeight: number;
  readonly dtype: OutputDtype;
  readonly flipVertical?: boolean;
  readonly layout?: OutputLayout;
  readonly fill?: readonly number[];
  readonly scale?: readonly number[];
  readonly shift?: readonly number[];
}

/** Bytes of one element. */
export const ELEMENT_BYTES = { uint8: 1, float16: 2, float32: 4 } as const;

const GUARD = 0xa5;
const GUARD_BYTES = 64;
const MEMORY_BYTES = 2 ** 24;
const KEPT_SCRATCH_BYTES = 2 ** 16;

/** A memory with both kernels, and places for a source and an output between guard bytes. */
export class Workbench {
  readonly bytes: Uint8Array;
  readonly #buffer: ArrayBufferLike;
  readonly #shared: boolean;
  /** The kernels of the first job of each kind, where they are used for all. */
  readonly #kept = new Map<string, Kernels>();

  /** @param keeps - Uses the same kernels for all jobs, as a worker does; their scratch is then of one size. */
  constructor(
    shared = true,
    readonly keeps = false,
  ) {
    this.#shared = shared;
    const memory = createMemory({ byteLength: MEMORY_BYTES, shared });
    this.#buffer = memory.buffer;
    this.bytes = new Uint8Array(memory.buffer);
    this.#make = (name, scratch) =>
      name === "simd" ? createKernels(memory, scratch) : createPlainKernels(memory, scratch);
  }

  readonly #make: (name: "simd" | "plain", scratch: { offset: number; byteLength: number }) => Kernels;

  /**
   * Runs a job with exactly the scratch that `scratchBytes` asks for, and returns the output. `unaligned` moves the
   * places of everything by some bytes. Throws if a byte outside of output and scratch has changed.
   */
  run(name: "simd" | "plain", spec: JobSpec, pixels: Uint8Array, unaligned = 0): Uint8Array {
    const size = { width: spec.width, height: spec.height, channels: spec.channels };
    const exact = scratchBytes({ source: size, output: { width: spec.outWidth, height: spec.outHeight } });
    const needed = this.keeps ? KEPT_SCRATCH_BYTES : exact;
    const scratch = { offset: GUARD_BYTES + unaligned, byteLength: needed };
    const sourceAt = scratch.offset + needed + GUARD_BYTES;
    const align = ELEMENT_BYTES[spec.dtype];
    const outputAt = Math.ceil((sourceAt + pixels.length + GUARD_BYTES) / align) * align;
    const outBytes = spec.outWidth * spec.outHeight * spec.channels * align;
    const end = outputAt + outBytes + GUARD_BYTES;
    this.bytes.fill(GUARD, 0, end);
    this.bytes.set(pixels, sourceAt);
    const kernels = this.#kept.get(name) ?? this.#make(name, scratch);
    if (this.keeps) this.#kept.set(name, kernels);
    if (kernels.name !== name) throw new Error(`these are ${kernels.name} kernels (shared: ${this.#shared})`);
    kernels.resample({
      source: { offset: sourceAt, ...size },
      box: spec.box,
      flip: spec.flip,
      flipVertical: spec.flipVertical ?? false,
      layout: spec.layout ?? "nhwc",
      output: {
        offset: outputAt,
        byteLength: outBytes,
        width: spec.outWidth,
        height: spec.outHeight,
        dtype: spec.dtype,
      },
      ...(spec.fill === undefined ? {} : { fill: spec.fill }),
      ...(spec.scale === undefined ? {} : { scale: spec.scale }),
      ...(spec.shift === undefined ? {} : { shift: spec.shift }),
    });
    const output = this.bytes.slice(outputAt, outputAt + outBytes);
    this.#expectOnly(GUARD, 0, scratch.offset);
    this.#expectOnly(GUARD, scratch.offset + needed, sourceAt);
    for (let i = 0; i < pixels.length; i++)
      if (this.bytes[sourceAt + i] !== pixels[i]) throw new Error(`source byte ${i} has changed`);
    this.#expectOnly(GUARD, sourceAt + pixels.length, outputAt);
    this.#expectOnly(GUARD, outputAt + outBytes, end);
    return output;
  }

  #expectOnly(value: number, from: number, to: number): void {
    for (let i = from; i < to; i++) if (this.bytes[i] !== value) throw new Error(`byte ${i} was written`);
  }

  get buffer(): ArrayBufferLike {
    return this.#buffer;
  }
}

/** The output of a float32 job as numbers. */
export function floats(output: Uint8Array): Float32Array {
  return new Float32Array(output.buffer, output.byteOffset, output.byteLength / 4);
}

/** The value of a float16 by its definition (IEEE 754, 3.4): sign, 5 bits of exponent, 10 bits behind the point. */
export function halfValue(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const rest = bits & 1023;
  if (exponent === 31) return rest === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * rest * 2 ** -24 : sign * (1024 + rest) * 2 ** (exponent - 25);
}

/** An output as numbers `[height, width, channels]`, whatever its dtype and layout. */
export function valuesOf(spec: JobSpec, output: Uint8Array): Float64Array {
  const { dtype, channels, outWidth, outHeight } = spec;
  const numbers =
    dtype === "uint8"
      ? Float64Array.from(output)
      : dtype === "float32"
        ? Float64Array.from(floats(output))
        : Float64Array.from(new Uint16Array(output.buffer, output.byteOffset, output.byteLength / 2), halfValue);
  if (spec.layout !== "nchw") return numbers;
  const pixels = outWidth * outHeight;
  return numbers.map((_, i) => numbers[(i % channels) * pixels + Math.floor(i / channels)] as number);
}

/** Pixels that look like noise, the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    // xorshift32 (Marsaglia 2003); every fourth byte is black or white, where rounding and saturation show.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const byte = (state >>> 16) & 0xff;
    bytes[i] = i % 4 === 0 ? (byte > 127 ? 255 : 0) : byte;
  }
  return bytes;
}

const side = (most: number): fc.Arbitrary<number> => fc.oneof(fc.integer({ min: 1, max: most }), fc.constant(most));

/** An edge and a length in `[0, most]`, whole or with fractions. */
function stretch(most: number, whole: boolean): fc.Arbitrary<[number, number]> {
  if (whole) {
    return fc
      .tuple(fc.integer({ min: 0, max: most - 1 }), fc.nat())
      .map(([from, length]) => [from, 1 + (length % (most - from))]);
  }
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  return fc.tuple(fraction, fraction).map(([a, b]) => {
    const from = a * most * 0.999;
    return [from, Math.max(1e-6 * most, b * (most - from) * 0.999)];
  });
}

/**
 * Jobs of all kinds on sources up to `most` by `most`: boxes with and without fractions, copies, boxes that stick out,
 * flips, layouts, dtypes.
 */
export function anyJob(most: number, outMost: number): fc.Arbitrary<JobSpec> {
  const sizes = fc.record({
    width: side(most),
    height: side(most),
    channels: fc.constantFrom<1 | 3>(1, 3),
    kind: fc.constantFrom("whole", "fraction", "copy", "fill"),
    flip: fc.boolean(),
    flipVertical: fc.boolean(),
    layout: fc.constantFrom("nhwc" as const, "nchw" as const),
    dtype: fc.constantFrom("uint8" as const, "float16" as const, "float32" as const),
    past: fc.tuple(fc.integer({ min: -most, max: most }), fc.integer({ min: -most, max: most })),
    fill: fc.array(fc.nat(255), { minLength: 3, maxLength: 3 }),
    out: fc.tuple(side(outMost), side(outMost)),
    factors: fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 6, maxLength: 6 }),
  });
  return sizes.chain(({ kind, out, factors, past, fill, ...spec }) => {
    const { width, height, channels } = spec;
    const whole = kind !== "fraction";
    return fc.tuple(stretch(width, whole), stretch(height, whole)).map(([[x, w], [y, h]]) => {
      const isCopy = kind === "copy";
      const box = { x, y, width: w, height: h };
      return {
        ...spec,
        box: kind === "fill" ? { x: past[0], y: past[1], width: out[0], height: out[1] } : box,
        outWidth: isCopy ? w : out[0],
        outHeight: isCopy ? h : out[1],
        ...(kind === "fill" ? { fill: fill.slice(0, channels) } : {}),
        ...(spec.dtype === "uint8" ? {} : { scale: factors.slice(0, channels), shift: factors.slice(3, 3 + channels) }),
      };
    });
  });
}

/** A valid job at fixed places of a memory of 1 MiB with scratch in its first half, to be spoiled field by field. */
export const VALID_JOB: ResampleJob = {
  source: { offset: 600_000, width: 20, height: 10, channels: 3 },
  box: { x: 2, y: 1, width: 10, height: 8 },
  output: { offset: 700_000, byteLength: 4 * 4 * 3 * 4, width: 4, height: 4, dtype: "float32" },
};
