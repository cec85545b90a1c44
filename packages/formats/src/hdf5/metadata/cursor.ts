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

  /** The next `length` bytes, sharing memory. */
  take(length: number): Buffer {
    if (!(length >= 0 && length <= this.left))
      this.fail("a field ends outside of its block", `${this.left}`, `${length}`);
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }

  /** A cursor over the next `length` bytes. */
  sub(length: number): Cursor {
    const position = this.position + this.at;
    return new Cursor(this.take(length), position, this.dialect);
  }

  skip(length: number): void {
    this.take(length);
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u16(): number {
    return this.take(2).readUInt16LE();
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  /** An unsigned number of `width` bytes; `undefined` if all its bits are set. */
  maybeUint(width: number): number | undefined {
    const raw = this.take(width);
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
