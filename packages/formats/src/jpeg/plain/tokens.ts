import type { EntropyData, EntropyJob, TableSet } from "../entropy-coder.js";
import { TABLES } from "../entropy-coder.js";
import { codesOf } from "../huffman-table.js";

/** Symbols of the output with their extra bits, in order: `(table << 8 | symbol) << 16 | extra`. */
export class Tokens {
  readonly histogram: Uint32Array = new Uint32Array(TABLES * 256);
  #tokens = new Uint32Array(4096);
  #count = 0;
  /** Where each segment's tokens end. */
  readonly #ends: number[] = [];

  /** Appends a symbol of a table, and its extra bits. */
  add(table: number, symbol: number, extra: number): void {
    if (this.#count === this.#tokens.length) {
      const larger = new Uint32Array(2 * this.#count);
      larger.set(this.#tokens);
      this.#tokens = larger;
    }
    const key = (table << 8) | symbol;
    this.histogram[key] = (this.histogram[key] as number) + 1;
    this.#tokens[this.#count++] = (key << 16) | extra;
  }

  /** Appends a value: its category as the symbol, with `run` zeros before it. */
  addValue(table: number, run: number, value: number): void {
    const size = 32 - Math.clz32(Math.abs(value));
    this.add(table, (run << 4) | size, value < 0 ? value + (1 << size) - 1 : value);
  }

  /** Ends a segment. */
  endSegment(): void {
    this.#ends.push(this.#count);
  }

  /** The data of all segments, each padded with ones and followed by its restart marker; after the last stands EOI. */
  encode(job: EntropyJob, tables: TableSet): EntropyData {
    const codes = new Uint32Array(TABLES * 256);
    for (const [i, table] of tables.entries()) {
      if (table === undefined) continue;
      const made = codesOf(table);
      for (const symbol of table.symbols)
        codes[i * 256 + symbol] = ((made.codes[symbol] as number) << 8) | (made.lengths[symbol] as number);
    }
    const lengths = new Uint32Array(job.segments);
    const writer = new BitWriter();
    let at = 0;
    for (let segment = 0; segment < job.segments; segment++) {
      const begin = writer.length;
      const end = this.#ends[segment] as number;
      for (; at < end; at++) {
        const token = this.#tokens[at] as number;
        const code = codes[token >>> 16] as number;
        writer.put(code >> 8, code & 255);
        writer.put(token & 0xffff, (token >>> 16) & 15);
      }
      writer.mark(segment + 1 === job.segments ? 0xd9 : 0xd0 + (segment & 7));
      lengths[segment] = writer.length - begin;
    }
    return { data: writer.take(), lengths };
  }
}

/** Writes bits, with a zero after each 0xff. */
class BitWriter {
  length = 0;
  #bytes = new Uint8Array(65536);
  /** Bits that are not written yet, at most 7 of them between calls. */
  #bits = 0;
  #pending = 0;

  /** Appends the lowest `count` bits of `value`, at most 16, where all above them are 0. */
  put(value: number, count: number): void {
    this.#bits = (this.#bits << count) | value;
    this.#pending += count;
    while (this.#pending >= 8) {
      this.#pending -= 8;
      this.#byte((this.#bits >> this.#pending) & 255);
    }
    this.#bits &= (1 << this.#pending) - 1;
  }

  #byte(byte: number): void {
    if (this.length + 2 > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.length++] = byte;
    if (byte === 0xff) this.#bytes[this.length++] = 0;
  }

  /** Fills the byte with ones and writes a marker. */
  mark(marker: number): void {
    if (this.#pending > 0) this.put((1 << (8 - this.#pending)) - 1, 8 - this.#pending);
    this.#byte(0xff);
    this.#bytes[this.length - 1] = marker;
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
