/** Memory of one thread for bytes that come one run after the other; it grows to the longest. */
export class GrowingBuffer {
  #bytes: Buffer = Buffer.alloc(0);

  /** All of the memory, which is longer than what was asked for; what it held before may be lost. */
  ensure(byteLength: number): Buffer {
    if (byteLength > this.#bytes.length)
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(byteLength, 2 * this.#bytes.length));
    return this.#bytes;
  }
}
