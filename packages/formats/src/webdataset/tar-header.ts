/**
 * The header of a tar member (POSIX.1-2017, `pax`, "ustar Interchange Format"), a block of 512 bytes, then the data,
 * padded to whole blocks. Numbers are octal digits.
 *
 * ```text
 * 0    name      100     124  size      12     257  magic  "ustar\0"
 * 100  mode        8     136  mtime     12     263  version    "00"
 * 108  uid         8     148  checksum   8     265  uname, gname, device numbers
 * 116  gid         8     156  type       1     345  prefix  155
 *                        157  link     100
 * ```
 */
export const BLOCK_BYTES = 512;

/** A longer name needs a pax header. */
export const MAX_NAME_BYTES = 99;

/** Types of members that are told apart. */
export const MEMBER = { file: "0", paxGlobal: "g", pax: "x" } as const;

/** The header of a member that was made at no time, by nobody. */
export function encodeTarHeader(name: string, size: number, type: string): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0, MAX_NAME_BYTES, "latin1");
  header.write("0000644\x000000000\x000000000\x00", 100, "latin1");
  header.write(`${size.toString(8).padStart(11, "0")}\0${"0".repeat(11)}\0`, 124, "latin1");
  header.write(`        ${type}`, 148, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  header.write("0000000\x000000000\x00", 329, "latin1");
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

const ZEROS = new Uint8Array(2 * BLOCK_BYTES);

/** The end of an archive: two blocks of zeros. */
export const TAR_END: Uint8Array = ZEROS;

/** What fills the last block of a member's data. */
export function tarPadding(size: number): Uint8Array {
  return ZEROS.subarray(0, paddedBytes(size) - size);
}

/** Bytes that the data of a member takes in the archive. */
export function paddedBytes(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

/** What a header says. */
export interface TarHeader {
  readonly name: string;
  /** Not exact past 2^53. */
  readonly size: number;
  readonly type: string;
}

/**
 * The header at `bytes[at]`, `"end"` for a block of zeros, or `undefined` for what is no header. Takes the forms of
 * ustar, of GNU (which counts in base 256 past 8 GiB) and of version 7.
 *
 * @param words the memory of `bytes` as words; `at` is a multiple of 4
 */
export function decodeTarHeader(bytes: Buffer, words: Int32Array, at: number): TarHeader | "end" | undefined {
  const sum = sumOf(words, at / 4);
  if (sum === 0) return "end";
  let own = 0;
  for (let i = at + 148; i < at + 156; i++) own += bytes[i] as number;
  const size = decodeNumber(bytes, at + 124, 12);
  if (decodeNumber(bytes, at + 148, 8) !== sum - own + 8 * 0x20 || size === undefined) return undefined;
  const name = textAt(bytes, at, 100);
  const hasPrefix = bytes[at + 257] === 0x75 && bytes[at + 262] === 0 && bytes[at + 345] !== 0;
  return {
    name: hasPrefix ? `${textAt(bytes, at + 345, 155)}/${name}` : name,
    size,
    type: String.fromCharCode(bytes[at + 156] as number),
  };
}

/** The sum of the bytes of a block, four at a time in two lanes of 16 bits, which 128 * 2 * 255 just fits. */
function sumOf(words: Int32Array, from: number): number {
  let lanes = 0;
  for (let i = from; i < from + BLOCK_BYTES / 4; i++) {
    const word = words[i] as number;
    lanes = (lanes + (word & 0xff00ff) + ((word >>> 8) & 0xff00ff)) | 0;
  }
  return (lanes & 0xffff) + (lanes >>> 16);
}

/** A number of octal digits between spaces and zeros or, with the highest bit set, one of base 256. */
function decodeNumber(bytes: Buffer, at: number, length: number): number | undefined {
  const first = bytes[at] as number;
  if (first === 0x80) {
    let value = 0;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + (bytes[i] as number);
    return value;
  }
  let value = 0;
  let i = at;
  const end = at + length;
  while (i < end && bytes[i] === 0x20) i++;
  for (; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; i < end; i++) if (bytes[i] !== 0 && bytes[i] !== 0x20) return undefined;
  return value;
}

function textAt(bytes: Buffer, at: number, length: number): string {
  let end = at;
  let bits = 0;
  for (; end < at + length && bytes[end] !== 0; end++) bits |= bytes[end] as number;
  return bits < 0x80 ? bytes.toString("latin1", at, end) : decodeName(bytes, at, end);
}

/** A name as UTF-8 or, if it is none, a character a byte, so that different names stay different. */
export function decodeName(bytes: Buffer, at: number, end: number): string {
  const plain = bytes.toString("latin1", at, end);
  if (!/[^\0-\x7f]/u.test(plain)) return plain;
  const text = bytes.toString("utf8", at, end);
  return text.includes("\ufffd") ? plain : text;
}
