import { MAX_AC_BITS, MAX_DC_BITS } from "../huffman-table.js";
import { extend, type DecodingTable } from "./bit-reader.js";
import type { ScanState } from "./coefficients.js";

/** Decodes all coefficients of a block of a sequential scan (ITU-T T.81, F.2.2). */
export function sequentialBlock(state: ScanState, part: number, coefficients: Int16Array, at: number): boolean {
  const { reader, before } = state;
  const size = reader.symbol(state.dcTables[part] as DecodingTable);
  if (size < 0 || size > MAX_DC_BITS) return false;
  before[part] = (before[part] as number) + extend(reader.bits(size), size);
  coefficients[at] = before[part];
  const table = state.acTables[part] as DecodingTable;
  for (let k = 1; k < 64;) {
    const symbol = reader.symbol(table);
    const bits = symbol & 15;
    if (symbol < 0 || bits > MAX_AC_BITS || (bits === 0 && symbol !== 0 && symbol !== 0xf0)) return false;
    const value = extend(reader.bits(bits), bits);
    if (symbol === 0) break;
    k += (symbol >> 4) + 1;
    if (k > 64) return false;
    coefficients[at + k - 1] = value;
  }
  return true;
}
