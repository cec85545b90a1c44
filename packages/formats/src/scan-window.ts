import { outside, type ByteSource } from "./byte-source.js";

/** A header and what follows it; a read costs about the same up to this size. */
const MIN_BYTES = 4096;
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
  #ahead = MIN_BYTES;

  /** `capacity`: bytes that the window keeps, and the most that it reads ahead; 4 KiB at least. */
  constructor(
    readonly source: ByteSource,
    readonly capacity: number = CAPACITY_BYTES,
  ) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /**
   * Brings the `length` bytes at `position` into the window, at most its capacity. Returns their index in `bytes`, valid until
   * the next call.
   * @throws CorruptShardError if they do not lie in the file.
   */
  ensure(position: number, length: number, what: string): number {
    if (position >= this.#start && position + length <= this.#end) return position - this.#start;
    if (!(position >= 0 && position + length <= this.source.size)) throw outside(this.source, position, length, what);
    const near = position >= this.#start && position < this.#end + this.#ahead;
    this.#ahead = near ? Math.min(this.capacity, this.#ahead * 2) : MIN_BYTES;
    const count = Math.min(this.source.size - position, Math.max(length, this.#ahead));
    this.#end = this.#start = position;
    this.source.readInto(this.bytes.subarray(0, count), position);
    this.#end = position + count;
    return 0;
  }
}
