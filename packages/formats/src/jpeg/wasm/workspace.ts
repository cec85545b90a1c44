import { codesOf, type HuffmanTable } from "../huffman-table.js";
import { refuse } from "../refusal.js";
import type { JpegScan } from "../scan.js";
import type { Transcoder } from "./memory.js";

// The fixed places are those of kernels/layout.ts.
const SPECS = 1024;
const SPEC_BYTES = 288;
/** Number of the table to encode by that is about to be built. */
const ENCODED_BY = 8;
const HISTOGRAM = 178_176;
const HISTOGRAM_LENGTH = 2048;
const BLOCKS = 194_560;
const PLANES = 194_816;
const PLANE_BYTES = 32;
/** Where the places begin that depend on the job. */
const HEAP = 196_608;
/** May be read before a segment and past the source; see kernels/reader.ts. */
const SLACK = 512;
const PAGE_BYTES = 65_536;

/** How a table is looked up. */
export type LookupKind = "sequential" | "pairs" | "progressive";

/** The memory of one instance: who lies where, and the tables that are built in it. */
export class Workspace {
  /** What each slot's lookup was built of. */
  readonly #built: { table: HuffmanTable; kind: LookupKind }[] = [];
  #end = HEAP;

  constructor(readonly wasm: Transcoder) {}

  /** Bytes of the memory. */
  get byteLength(): number {
    return this.wasm.memory.buffer.byteLength;
  }

  /** Forgets all places. */
  clear(): void {
    this.#end = HEAP;
  }

  /** Room for so many bytes, at a multiple of 64. What it holds is undefined. */
  room(bytes: number): number {
    const at = this.#end;
    this.reserve(at + bytes);
    this.#end = Math.ceil((at + bytes) / 64) * 64;
    return at;
  }

  /** Where the next {@link room} will be. */
  get next(): number {
    return this.#end;
  }

  /** Gives all places from `at` on to others. */
  moveTo(at: number): void {
    this.#end = at;
  }

  /** Grows the memory to that many bytes. */
  reserve(bytes: number): void {
    const missing = bytes + SLACK - this.byteLength;
    if (missing <= 0) return;
    try {
      this.wasm.memory.grow(Math.ceil(missing / PAGE_BYTES));
    } catch {
      refuse("too-large", `needs more than ${this.byteLength} bytes of memory`);
    }
  }

  /** Copies the source in. */
  place(bytes: Uint8Array): number {
    const at = this.room(bytes.length + SLACK);
    this.bytes(at, bytes.length).set(bytes);
    return at;
  }

  /** A view, until the memory grows. */
  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.wasm.memory.buffer, at, length);
  }

  /** A view, until the memory grows. */
  words(at: number, length: number): Uint32Array {
    return new Uint32Array(this.wasm.memory.buffer, at, length);
  }

  /** Places the table of the segments of a scan. */
  segments(scan: JpegScan, source: number): { readonly at: number; readonly count: number; readonly top: number } {
    const { segments } = scan;
    const at = this.room(4 * segments.length);
    this.words(at, segments.length).set(segments);
    const words = this.words(at, segments.length);
    let longest = 0;
    for (let i = 0; i < segments.length; i += 2) {
      longest = Math.max(longest, (words[i + 1] as number) - (words[i] as number));
      words[i] = (words[i] as number) + source;
      words[i + 1] = (words[i + 1] as number) + source;
    }
    const size = longest + 2 * SLACK;
    return { at, count: segments.length / 2, top: this.room(size) + size };
  }

  /** Builds the lookup of a table, unless it stands there already. */
  lookup(slot: number, table: HuffmanTable, kind: LookupKind): void {
    const before = this.#built[slot];
    if (before !== undefined && before.kind === kind && isSame(before.table, table)) return;
    this.#writeSpec(slot, table);
    this.wasm.buildLookup(slot, kind === "progressive" ? 1 : 0, kind === "pairs" ? 1 : 0);
    this.#built[slot] = { table, kind };
  }

  /** Builds the codes to encode by. */
  codes(slot: number, table: HuffmanTable): void {
    this.#writeSpec(ENCODED_BY, table);
    this.wasm.buildCodes(slot);
  }

  #writeSpec(number: number, { counts, symbols }: HuffmanTable): void {
    const at = SPECS + number * SPEC_BYTES;
    this.bytes(at, 16).set(counts);
    this.bytes(at + 16, symbols.length).set(symbols);
  }

  /** Four bytes for each block of an MCU, or component of a scan: component, DC slot, AC slot, 0. */
  blocks(values: readonly number[]): void {
    this.bytes(BLOCKS, values.length).set(values);
  }

  /** Eight words of one component, see kernels/coefficients.ts. */
  plane(component: number, words: readonly number[]): void {
    this.words(PLANES + PLANE_BYTES * component, words.length).set(words);
  }

  /** How often each symbol occurs in the tokens: a copy. */
  histogram(): Uint32Array {
    const [even, odd] = [this.words(HISTOGRAM, HISTOGRAM_LENGTH), this.words(HISTOGRAM + 8192, HISTOGRAM_LENGTH)];
    return even.map((count, i) => count + (odd[i] as number));
  }
}

function isSame(a: HuffmanTable, b: HuffmanTable): boolean {
  return a === b || (Buffer.compare(a.counts, b.counts) === 0 && Buffer.compare(a.symbols, b.symbols) === 0);
}

/** Most bytes of data that tokens become: their bits, a zero behind each 0xff, and padding and a marker a segment. */
export function encodedBound(
  histogram: Uint32Array,
  tables: readonly (HuffmanTable | undefined)[],
  segments: number,
): number {
  let bits = 0;
  for (const [slot, table] of tables.entries()) {
    if (table === undefined) continue;
    const { lengths } = codesOf(table);
    for (const symbol of table.symbols)
      bits += (histogram[256 * slot + symbol] as number) * ((lengths[symbol] as number) + (symbol & 15));
  }
  return 2 * Math.ceil(bits / 8) + 4 * segments + SLACK;
}
