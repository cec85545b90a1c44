import { MAX_AC_BITS, MAX_DC_BITS } from "../huffman-table.js";
import type { JpegScan } from "../scan.js";
import { extend, type DecodingTable } from "./bit-reader.js";
import type { BlockDecoder, ScanState } from "./coefficients.js";

/** How the blocks of a scan of a progressive file are decoded (ITU-T T.81, annex G). */
export function progressiveBlock(scan: JpegScan): BlockDecoder {
  if (scan.first === 0) return scan.high === 0 ? dcFirst : dcRefine;
  return scan.high === 0 ? acFirst : acRefine;
}

function dcFirst(state: ScanState, part: number, coefficients: Int16Array, at: number): boolean {
  const { reader, before, scan } = state;
  const size = reader.symbol(state.dcTables[part] as DecodingTable);
  if (size < 0 || size > MAX_DC_BITS) return false;
  before[part] = (before[part] as number) + extend(reader.bits(size), size);
  coefficients[at] = before[part] << scan.low;
  return true;
}

function dcRefine({ reader, scan }: ScanState, _: number, coefficients: Int16Array, at: number): boolean {
  coefficients[at] = (coefficients[at] as number) | (reader.bits(1) << scan.low);
  return true;
}

function acFirst(state: ScanState, part: number, coefficients: Int16Array, at: number): boolean {
  if (state.endOfBandRun > 0) {
    state.endOfBandRun--;
    return true;
  }
  const { reader, scan } = state;
  const table = state.acTables[part] as DecodingTable;
  for (let k = scan.first; k <= scan.last;) {
    const symbol = reader.symbol(table);
    if (symbol < 0) return false;
    const [run, bits] = [symbol >> 4, symbol & 15];
    if (bits === 0 && run < 15) {
      state.endOfBandRun = (1 << run) + reader.bits(run) - 1;
      return true;
    }
    if (bits > MAX_AC_BITS) return false;
    const value = extend(reader.bits(bits), bits);
    k += run;
    if (k > scan.last) return false;
    coefficients[at + k++] = value << scan.low;
  }
  return true;
}

/** Takes the next bit of a coefficient that is not 0 already, away from 0. */
function refine(state: ScanState, coefficients: Int16Array, at: number): void {
  if (state.reader.bits(1) === 0) return;
  const value = coefficients[at] as number;
  coefficients[at] = value + (value < 0 ? -1 << state.scan.low : 1 << state.scan.low);
}

function acRefine(state: ScanState, part: number, coefficients: Int16Array, at: number): boolean {
  const { reader, scan } = state;
  const table = state.acTables[part] as DecodingTable;
  let k = scan.first;
  while (state.endOfBandRun === 0 && k <= scan.last) {
    const symbol = reader.symbol(table);
    if (symbol < 0) return false;
    let run = symbol >> 4;
    const bits = symbol & 15;
    if (bits > 1) return false;
    if (bits === 0 && run < 15) {
      state.endOfBandRun = (1 << run) + reader.bits(run);
      break;
    }
    const value = bits === 0 ? 0 : (reader.bits(1) === 1 ? 1 : -1) << scan.low;
    // Zeros are counted and others refined on the way, up to the place of the new coefficient.
    for (; k <= scan.last; k++) {
      if (coefficients[at + k] !== 0) refine(state, coefficients, at + k);
      else if (run-- === 0) break;
    }
    if (k > scan.last) return false;
    coefficients[at + k++] = value;
  }
  if (state.endOfBandRun > 0) {
    for (; k <= scan.last; k++) if (coefficients[at + k] !== 0) refine(state, coefficients, at + k);
    state.endOfBandRun--;
  }
  return true;
}
