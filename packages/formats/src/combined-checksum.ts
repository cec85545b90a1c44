import { crc32c, CRC32C_POLYNOMIAL } from "./checksum.js";

/** `x^0` as a reflected polynomial: the highest bit is the lowest power. */
const ONE = 0x8000_0000;

/** Shorter runs are cheaper to read again than to combine. */
const COMBINE_FROM = 1024;

/** `POWERS[k]` is `x^(8 * 2^k)` modulo the polynomial: what `2^k` zero bytes behind a message do to its CRC. */
const POWERS: readonly number[] = powers();

function powers(): number[] {
  let power = ONE >>> 1;
  const found: number[] = [];
  // Bits 0 to 2 of the exponent are the bits of a byte; 53 bits hold the length of any file.
  for (let k = 0; k < 3 + 53; k++) {
    if (k >= 3) found.push(power);
    power = multiply(power, power);
  }
  return found;
}

/** The product of two reflected polynomials modulo that of CRC-32C, as `multmodp` of zlib 1.2.12 (crc32.c) has it. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let rest = a | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) product ^= shifted;
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ CRC32C_POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}

/** `crc` times `x^(8 * bytes)`: the state after `bytes` zero bytes. */
function shift(crc: number, bytes: number): number {
  let state = crc;
  for (let rest = bytes, k = 0; rest > 0; rest = Math.floor(rest / 2), k++)
    if (rest % 2 === 1) state = multiply(POWERS[k] as number, state);
  return state;
}

/**
 * The CRC-32C of `a` followed by `b`, from `first = crc32c(a)`, `second = crc32c(b)` and the length of `b` in bytes, as
 * `crc32_combine` of zlib does it for CRC-32. Takes under a microsecond, whatever the length.
 */
export function combineCrc32c(first: number, second: number, secondBytes: number): number {
  return (shift(first, secondBytes) ^ second) >>> 0;
}

/**
 * Bytes with their CRC-32C, which is known since they were looked at before: nobody needs to read them for it again.
 */
export interface ChecksummedBytes {
  readonly bytes: Uint8Array;
  readonly crc32c: number;
}

/** The bytes of a part, whether their CRC-32C is known or not. */
export function bytesOfPart(part: Uint8Array | ChecksummedBytes): Uint8Array {
  return part instanceof Uint8Array ? part : part.bytes;
}

/** A part with its CRC-32C, which is computed if it is not known. */
export function checksummed(part: Uint8Array | ChecksummedBytes): ChecksummedBytes {
  return part instanceof Uint8Array ? { bytes: part, crc32c: crc32c(part) } : part;
}

/** Length and CRC-32C of what is appended run by run, such as a file in the making, without reading a run twice. */
export class RunningChecksum {
  #bytes = 0;
  #crc = 0;

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** CRC-32C of them. */
  get crc32c(): number {
    return this.#crc;
  }

  /** Accounts for bytes that were appended. */
  append(part: Uint8Array | ChecksummedBytes): void {
    const bytes = bytesOfPart(part);
    this.#crc =
      part instanceof Uint8Array || bytes.length < COMBINE_FROM
        ? crc32c(bytes, this.#crc)
        : combineCrc32c(this.#crc, part.crc32c, bytes.length);
    this.#bytes += bytes.length;
  }

  /**
   * Accounts for bytes at `position` that became others. A CRC is linear over exclusive or: that of the file changes by
   * the difference of the CRCs of the two runs, shifted by what follows them.
   */
  replace(position: number, before: Uint8Array, after: Uint8Array): void {
    const difference = crc32c(before) ^ crc32c(after);
    this.#crc = (this.#crc ^ shift(difference, this.#bytes - position - after.length)) >>> 0;
  }
}
