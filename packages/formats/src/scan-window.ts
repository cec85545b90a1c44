import { outside, type ByteSource } from "./byte-source.js";

/** A header and what follows it. A jump over less is read ahead over. */
const NEAR_BYTES = 4096;
/** The most that is read ahead, unless told. */
const CAPACITY_BYTES = 2 ** 18;

/**
 * A window that slides over a file, for scans that look at small headers and jump over what lies between. It reads
 * ahead as long as the jumps are short, and little once they are long.
 */
export class ScanWindow {
  /** The window's bytes; {@link ScanWindow.ensure} says where in them. */
  readonly bytes: Buffer;
  #start = 0;
  #end = 0;
  #ahead: number;
  /** The beginning of `bytes` that was read into last. */
  #target: Uint8Array = new Uint8Array(0);

  /**
   * @param capacity bytes that the window keeps, and the most that it reads ahead; 4 KiB at least
   * @param leastBytes how much is read after a long jump, where nothing but a header is wanted
   */
  constructor(
    readonly source: ByteSource,
    readonly capacity: number = CAPACITY_BYTES,
    readonly leastBytes: number = NEAR_BYTES,
  ) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.#ahead = leastBytes;
  }

  /**
   * Brings the `length` bytes at `position` into the window, at most its capacity. Returns their index in `bytes`, valid until
   * the next call.
   * @throws CorruptShardError if they do not lie in the file.
   */
  ensure(position: number, length: number, what: string): number {
    if (position >= this.#start && position + length <= this.#end) return position - this.#start;
    if (!(position >= 0 && position + length <= this.source.size)) throw outside(this.source, position, length, what);
    const reach = Math.max(this.#ahead, NEAR_BYTES);
    const isNear = position >= this.#start && position < this.#end + reach;
    this.#ahead = isNear ? Math.min(this.capacity, reach * 2) : this.leastBytes;
    const count = Math.min(this.source.size - position, Math.max(length, this.#ahead));
    this.#end = this.#start = position;
    // Reads after long jumps are of the same size, and a view costs as much as such a read's copy.
    if (this.#target.length !== count) this.#target = this.bytes.subarray(0, count);
    this.source.readInto(this.#target, position);
    this.#end = position + count;
    return 0;
  }
}
