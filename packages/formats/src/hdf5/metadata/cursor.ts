import { CorruptShardError } from "../../errors.js";

/** What the bytes of a file's metadata mean depends on these, which its superblock tells. */
export interface Dialect {
  /** Path of the file, for errors. */
  readonly path: string;
  /** Bytes of an address. */
  readonly offsetBytes: number;
  /** Bytes of a length. */
  readonly lengthBytes: number;
}

/** The error of metadata that contradicts itself or the specification. */
export function corrupt(path: string, byte: number, problem: string, expected?: string, found?: string): never {
  throw new CorruptShardError({
    file: path,
    byte,
    problem: `the HDF5 metadata is damaged: ${problem}`,
    expected,
    found,
    fix: "copy the file again, or repeat the conversion",
  });
}

/** Reads little-endian fields one after the other from a run of metadata; every step is checked against its end. */
export class Cursor {
  /** Next byte to read, in `bytes`. */
  at = 0;

  /** `position`: where `bytes` begins in the file. */
  constructor(
    readonly bytes: Buffer,
    readonly position: number,
    readonly dialect: Dialect,
  ) {}

  /** Bytes not yet read. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Ends with a `CorruptShardError` that names the place. */
  fail(problem: string, expected?: string, found?: string): never {
    return corrupt(this.dialect.path, this.position + this.at, problem, expected, found);
  }

  /** Steps over `length` bytes and returns where they began. */
  #step(length: number): number {
    const at = this.at;
    if (!(length >= 0 && length <= this.bytes.length - at))
      this.fail("a field ends outside of its block", `${this.left}`, `${length}`);
    this.at = at + length;
    return at;
  }

  /** The next `length` bytes, sharing memory. */
  take(length: number): Buffer {
    const at = this.#step(length);
    return this.bytes.subarray(at, at + length);
  }

  /** A cursor over the next `length` bytes. */
  sub(length: number): Cursor {
    const position = this.position + this.at;
    return new Cursor(this.take(length), position, this.dialect);
  }

  skip(length: number): void {
    this.#step(length);
  }

  u8(): number {
    return this.bytes.readUInt8(this.#step(1));
  }

  u16(): number {
    return this.bytes.readUInt16LE(this.#step(2));
  }

  u32(): number {
    return word(this.bytes, this.#step(4));
  }

  /** An unsigned number of `width` bytes; `undefined` if all its bits are set. */
  maybeUint(width: number): number | undefined {
    const at = this.#step(width);
    if (width === 8) {
      const high = word(this.bytes, at + 4);
      if (high < 2 ** 21) return high * 2 ** 32 + word(this.bytes, at);
    }
    return this.#slowUint(at, width);
  }

  #slowUint(at: number, width: number): number | undefined {
    const raw = this.bytes.subarray(at, at + width);
    if (raw.every((byte) => byte === 0xff)) return undefined;
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (raw[i] as number);
    if (!Number.isSafeInteger(value)) this.fail("a number is too large", "less than 2^53", `0x${value.toString(16)}`);
    return value;
  }

  /** An unsigned number of `width` bytes. */
  uint(width: number): number {
    return (
      this.maybeUint(width) ?? (width < 7 ? 2 ** (8 * width) - 1 : this.fail("a number is too large", "less than 2^53"))
    );
  }

  /** An address in the file, or `undefined` for the undefined address. */
  address(): number | undefined {
    return this.maybeUint(this.dialect.offsetBytes);
  }

  /** A size in bytes or elements. */
  length(): number {
    return this.uint(this.dialect.lengthBytes);
  }

  /** Steps over a signature of four letters. */
  signature(letters: string): void {
    const found = this.take(letters.length).toString("latin1");
    if (found !== letters) this.fail("a signature is wrong", letters, found);
  }

  /** Steps over a version byte. */
  version(...known: readonly number[]): number {
    const found = this.u8();
    if (!known.includes(found)) this.fail("an unknown version", known.join(" or "), `${found}`);
    return found;
  }
}

/** Four bytes at `at`, which are there. Reading them one by one is what the compiler makes the fastest code of. */
function word(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  return (low | ((bytes[at + 3] as number) << 24)) >>> 0;
}
