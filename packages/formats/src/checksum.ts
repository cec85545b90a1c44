import { createRequire } from "node:module";

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), reflected polynomial. */
export const CRC32C_POLYNOMIAL = 0x82f63b78;

/** Slicing-by-8 tables (Kounavis and Berry, 2005): `TABLES[k * 256 + b]` is the CRC of byte `b` followed by `k` zeros. */
const TABLES = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
  TABLES[byte] = crc;
}
for (let i = 256; i < 2048; i++) {
  const previous = TABLES[i - 256] as number;
  TABLES[i] = (previous >>> 8) ^ (TABLES[previous & 0xff] as number);
}

/** CRC-32C in plain TypeScript; the oracle and the fallback of {@link crc32c}. `previous` continues an earlier run. */
export function crc32cPlain(bytes: Uint8Array, previous = 0): number {
  const t = TABLES;
  let crc = ~previous;
  let i = 0;
  for (const end = bytes.length - 7; i < end; i += 8) {
    const a =
      crc ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24));
    crc =
      (t[1792 + (a & 0xff)] as number) ^
      (t[1536 + ((a >>> 8) & 0xff)] as number) ^
      (t[1280 + ((a >>> 16) & 0xff)] as number) ^
      (t[1024 + (a >>> 24)] as number) ^
      (t[768 + (bytes[i + 4] as number)] as number) ^
      (t[512 + (bytes[i + 5] as number)] as number) ^
      (t[256 + (bytes[i + 6] as number)] as number) ^
      (t[bytes[i + 7] as number] as number);
  }
  for (; i < bytes.length; i++) crc = (t[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

type Crc32c = (bytes: Uint8Array, previous?: number) => number;

function loadNative(): Crc32c | undefined {
  try {
    return (createRequire(import.meta.url)("@node-rs/crc32") as { crc32c: Crc32c }).crc32c;
  } catch {
    return undefined;
  }
}

const native = loadNative();

/** Below this many bytes a call into native code costs more than the plain loop. */
const NATIVE_FROM = 128;

/**
 * CRC-32C of `bytes`, as an unsigned 32-bit number. `previous` continues an earlier run: `crc32c(b, crc32c(a))` is the
 * CRC of `a` followed by `b`. Uses `@node-rs/crc32` where it is installed.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  return native === undefined || bytes.length < NATIVE_FROM ? crc32cPlain(bytes, previous) : native(bytes, previous);
}

/** A CRC as it stands in texts: `0x1f2e3d4c`. */
export function crcText(crc: number): string {
  return `0x${crc.toString(16).padStart(8, "0")}`;
}
