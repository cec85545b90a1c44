import { DTYPES, dtypeBytes, type Dtype } from "./dtype.js";
import { elementsOf } from "./schema.js";

/**
 * The header of a `.npy` file (numpy, `lib/format.py`): magic, version, length, and a Python dictionary as text, padded
 * so that the elements begin at a multiple of 64.
 *
 * ```text
 * 0   "\x93NUMPY"
 * 6   version       1, 0    2, 0    3, 0
 * 8   length n      uint16  uint32  uint32
 *     dictionary    {'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), }
 * ```
 */
const MAGIC = Buffer.from("\u0093NUMPY", "latin1");
const ALIGNMENT = 64;

/** Bytes that tell how long a header is. */
export const NPY_PREFIX_BYTES = 12;
/** No header that is read is longer; numpy refuses dictionaries of 10,000 characters. */
export const MAX_NPY_HEADER_BYTES = 16_384;

/** What a header says of the elements behind it. */
export interface NpyHeader {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** numpy's name of a dtype, little-endian. */
function descrOf(dtype: Dtype): string {
  const bytes = dtypeBytes(dtype);
  return `${bytes === 1 ? "|" : "<"}${dtype.startsWith("u") ? "u" : dtype[0]}${bytes}`;
}

const DTYPE_OF_DESCR: ReadonlyMap<string, Dtype> = new Map(DTYPES.map((dtype) => [descrOf(dtype), dtype]));

/** The header before elements in the order of C, as numpy writes it. */
export function encodeNpyHeader({ dtype, shape }: NpyHeader): Uint8Array {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descrOf(dtype)}', 'fortran_order': False, 'shape': (${extents}), }`;
  const bytes = Math.ceil((10 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(bytes, " ", "latin1");
  MAGIC.copy(header);
  header.writeUInt16LE(0x0001, 6);
  header.writeUInt16LE(bytes - 10, 8);
  header.write(text, 10, "latin1");
  header.write("\n", bytes - 1, "latin1");
  return header;
}

/** Bytes of the whole header that begins with `bytes`, or `undefined` for what is no `.npy`. */
export function npyHeaderBytes(bytes: Buffer): number | undefined {
  if (bytes.length < NPY_PREFIX_BYTES || !bytes.subarray(0, 6).equals(MAGIC)) return undefined;
  const version = bytes[6] as number;
  if (version < 1 || version > 3 || bytes[7] !== 0) return undefined;
  return version === 1 ? 10 + bytes.readUInt16LE(8) : 12 + bytes.readUInt32LE(8);
}

/**
 * Parses a whole header. `undefined` for elements that no dtype has, big-endian ones, the order of Fortran, and whatever
 * else the dictionary says.
 */
export function decodeNpyHeader(header: Buffer): NpyHeader | undefined {
  const text = header.toString("latin1", header[6] === 1 ? 10 : 12);
  const descr = /'descr':\s*'([^']{1,16})'/u.exec(text)?.[1];
  const extents = /'shape':\s*\(([\d, ]{0,600})\)/u.exec(text)?.[1];
  const dtype = DTYPE_OF_DESCR.get(descr ?? "");
  if (dtype === undefined || extents === undefined || !/'fortran_order':\s*False/u.test(text)) return undefined;
  const shape = extents
    .split(",")
    .map((extent) => extent.trim())
    .filter((extent) => extent !== "")
    .map(Number);
  const isPossible = shape.length <= 32 && shape.every(Number.isSafeInteger) && Number.isSafeInteger(elementsOf(shape));
  return isPossible ? { dtype, shape } : undefined;
}
