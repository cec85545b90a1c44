import { ByteBuffer } from "flatbuffers";
import { CorruptShardError } from "../errors.js";

/**
 * Reads that each byte of a flatbuffer may cost. The metadata that Arrow's writers make costs less than 8; offsets that
 * point in circles, or at one table from everywhere, cost without end.
 */
const READS_PER_BYTE = 64;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A flatbuffer from an untrusted file. The library takes what lies outside of its bytes for zeros and believes every
 * length; here both end in a {@link CorruptShardError}, and so does a walk that never ends.
 */
export class CheckedBytes extends ByteBuffer {
  readonly #end: number;
  readonly #file: string;
  readonly #position: number;
  #budget: number;

  /** `position`: where `bytes` begin in the file, for the error's text. */
  constructor(bytes: Uint8Array, file: string, position: number) {
    super(bytes);
    this.#end = bytes.length;
    this.#file = file;
    this.#position = position;
    this.#budget = bytes.length * READS_PER_BYTE;
  }

  override readUint8(offset: number): number {
    this.#take(offset, 1, 1);
    return super.readUint8(offset);
  }

  override readUint16(offset: number): number {
    this.#take(offset, 2, 1);
    return super.readUint16(offset);
  }

  /** Every wider read of the library is made of this one. */
  override readInt32(offset: number): number {
    this.#take(offset, 4, 1);
    return super.readInt32(offset);
  }

  override __string(offset: number): string {
    const start = offset + this.readInt32(offset);
    const length = this.readInt32(start);
    this.#take(start + 4, length, length);
    try {
      return UTF8.decode(this.bytes().subarray(start + 4, start + 4 + length));
    } catch (error) {
      throw this.corrupt("the metadata has a text that is not UTF-8", error);
    }
  }

  /** The length of a vector, once it is sure that so many elements can lie in these bytes. */
  vectorLength(length: number, elementBytes: number): number {
    this.#take(0, length * elementBytes, 0);
    return length;
  }

  /** `count` int64 from `start` on, as numbers. Those of 2^53 and more, and those below 0, end in an error. */
  sizes(start: number, count: number): Float64Array {
    this.#take(start, count * 8, count);
    const sizes = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const high = super.readInt32(start + 8 * i + 4);
      if (high < 0 || high >= 2 ** 21) throw this.corrupt("the metadata has an impossible length");
      sizes[i] = high * 2 ** 32 + (super.readInt32(start + 8 * i) >>> 0);
    }
    return sizes;
  }

  /** The error for these bytes. */
  corrupt(problem: string, cause?: unknown): CorruptShardError {
    return new CorruptShardError({
      file: this.#file,
      byte: this.#position,
      problem,
      fix: "copy the file again",
      cause,
    });
  }

  #take(offset: number, length: number, cost: number): void {
    this.#budget -= cost;
    if (this.#budget < 0) throw this.corrupt("the metadata points in circles");
    if (offset < 0 || length < 0 || offset + length > this.#end)
      throw this.corrupt("the metadata points outside of itself");
  }
}
