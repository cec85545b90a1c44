import { weightStride, writeWeights, type Axis, type WeightTable } from "./weights.js";

/** Rounds up to a multiple of 16 bytes, the width of a SIMD load. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

/** Bytes of an axis's table as {@link WeightBlock} lays it out. */
export function tableBytes(length: number, outputs: number): number {
  return 2 * aligned(outputs * 4) + aligned(outputs * weightStride(length, outputs) * 2);
}

/**
 * A weight table in one run of bytes: `outputs` uint32 of starts, then as many int32 of counts, then the weights, each
 * part rounded up to 16 bytes.
 */
export interface WeightBlock extends WeightTable {
  readonly bytes: Uint8Array;
  /** Offset of the counts in the block. */
  readonly countsAt: number;
  /** Offset of the weights in the block. */
  readonly weightsAt: number;
  /** Most samples that any output has. */
  most: number;
}

/** Tables of one thread are forgotten when they come to more than this. A table of 224 outputs has about 6 KB. */
const MAX_BYTES = 2 ** 23;

/** A block in `buffer`, from its first byte on. */
function createBlock(buffer: ArrayBuffer, { length, outputs }: Axis, unit: number): WeightBlock {
  const bytes = new Uint8Array(buffer, 0, tableBytes(length, outputs));
  const stride = weightStride(length, outputs);
  const countsAt = aligned(outputs * 4);
  const weightsAt = 2 * countsAt;
  return {
    bytes,
    countsAt,
    weightsAt,
    starts: new Uint32Array(buffer, 0, outputs),
    counts: new Int32Array(buffer, countsAt, outputs),
    weights: new Int16Array(buffer, weightsAt, outputs * stride),
    unit,
    stride,
    most: 0,
  };
}

/**
 * Weight tables by their sizes. A stretch of whole samples has the same table wherever it begins, and the sizes of
 * crops come again, so most jobs find theirs here.
 */
export class WeightCache {
  readonly #blocks = new Map<number, WeightBlock>();
  #byteLength = 0;
  /** Room for a table that is not kept. */
  #spare = new ArrayBuffer(0);

  /**
   * The table of an axis; `unit`, at most 7, is what one source sample counts in `starts`. A table of a stretch with
   * fractions is valid until the next one.
   */
  get(axis: Axis, unit: number): WeightBlock {
    const { from, length, outputs, mirrored } = axis;
    if (!Number.isInteger(from) || !Number.isInteger(length)) return this.#make(axis, unit, this.#room(axis));
    // Sides are below 2^16, so the key is below 2^36.
    const key = ((length * 65_536 + outputs) * 8 + unit) * 2 + (mirrored ? 1 : 0);
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    // From 0, lest the rounding of the first stretch's edges decided the weights of all.
    const block = this.#make({ ...axis, from: 0 }, unit, new ArrayBuffer(tableBytes(length, outputs)));
    this.#byteLength += block.bytes.length;
    if (this.#byteLength > MAX_BYTES) {
      this.#blocks.clear();
      this.#byteLength = block.bytes.length;
    }
    this.#blocks.set(key, block);
    return block;
  }

  #room({ length, outputs }: Axis): ArrayBuffer {
    const needed = tableBytes(length, outputs);
    if (needed > this.#spare.byteLength) this.#spare = new ArrayBuffer(2 * needed);
    return this.#spare;
  }

  #make(axis: Axis, unit: number, buffer: ArrayBuffer): WeightBlock {
    const block = createBlock(buffer, axis, unit);
    block.most = writeWeights(axis, block);
    return block;
  }
}
