import { UnsupportedError } from "../../errors.js";
import type { ShardFile } from "../../shard-file.js";
import { corrupt, Cursor, type Dialect } from "./cursor.js";
import { lookup3 } from "./lookup3.js";

/** The largest piece of metadata that is read at once. */
const MAX_BLOCK_BYTES = 64 * 2 ** 20;
/** Reading metadata may cost this many times the file's size, and never more than `MAX_BUDGET`. Sound files cost 1. */
const BUDGET_FACTOR = 8;
const MIN_BUDGET = 2 ** 20;
const MAX_BUDGET = 2 ** 32;
/** What a read costs beside its bytes. */
const READ_COST = 64;
/** All datasets of a file have at most so many chunks together, and no more than the file has bytes or this minimum. */
const MAX_CHUNKS = 2 ** 24;
const MIN_CHUNKS = 2 ** 20;
/** Bytes of a checksum at the end of a block. */
const CHECKSUM_BYTES = 4;

/**
 * The metadata of an HDF5 file: blocks at addresses, which count from the superblock. A block is checked against the
 * file before memory is taken, and all blocks together against a budget, so that metadata that points in circles ends.
 */
export class MetadataFile implements Dialect {
  readonly path: string;
  #budget = 0;
  #chunks: number;

  constructor(
    readonly file: ShardFile,
    /** Byte of the file at address 0: the length of the user block. */
    readonly base: number,
    readonly offsetBytes: number,
    readonly lengthBytes: number,
  ) {
    this.path = file.path;
    this.#chunks = Math.min(Math.max(file.size, MIN_CHUNKS), MAX_CHUNKS);
    this.renewBudget();
  }

  /** Begins a new piece of work for the user: what it reads counts from here. */
  renewBudget(): void {
    this.#budget = Math.min(Math.max(this.file.size * BUDGET_FACTOR, MIN_BUDGET), MAX_BUDGET);
  }

  /**
   * True if a table of so many more chunks may be made. A few bytes announce any number of chunks that were never
   * written, and each takes memory.
   */
  takeChunks(count: number): boolean {
    if (count > this.#chunks) return false;
    this.#chunks -= count;
    return true;
  }

  /** Bytes of the file after the user block: the first address that lies outside. */
  get end(): number {
    return this.file.size - this.base;
  }

  /**
   * A block of metadata. `memory`: where it is put if it fits, for a caller that reads many blocks one after the other.
   * @throws CorruptShardError if it lies outside of the file; UnsupportedError if it is absurdly large.
   */
  block(address: number, length: number, what: string, memory?: Buffer): Cursor {
    const position = this.base + address;
    if (position + length > this.file.size)
      corrupt(this.path, position, `${what} ends outside of the file`, `${this.file.size}`, `${position + length}`);
    if (length > MAX_BLOCK_BYTES) {
      throw new UnsupportedError({
        file: this.path,
        byte: position,
        problem: `${what} is too large`,
        expected: `at most ${MAX_BLOCK_BYTES} bytes`,
        found: `${length}`,
      });
    }
    this.#budget -= length + READ_COST;
    if (this.#budget < 0) corrupt(this.path, position, "it points in circles");
    if (memory === undefined || memory.length < length)
      return new Cursor(Buffer.from(this.file.read(position, length, what).buffer), position, this);
    const bytes = memory.subarray(0, length);
    this.file.readInto(bytes, position);
    return new Cursor(bytes, position, this);
  }

  /** A block that ends in a checksum of all that stands before; the cursor ends before the checksum. */
  checkedBlock(address: number, length: number, what: string): Cursor {
    const whole = this.block(address, length, what);
    checkSum(whole, length, what);
    return new Cursor(whole.bytes.subarray(0, length - CHECKSUM_BYTES), whole.position, this);
  }
}

/** Checks that the last four of the first `length` bytes are the checksum of those before. */
export function checkSum(block: Cursor, length: number, what: string): void {
  const stored = block.bytes.readUInt32LE(length - CHECKSUM_BYTES);
  const found = lookup3(block.bytes.subarray(0, length - CHECKSUM_BYTES));
  if (stored !== found) block.fail(`the checksum of ${what} is wrong`, hex(found), hex(stored));
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
