import { tablesOf, type EntropyJob } from "../entropy-coder.js";
import { MAX_AC_BITS, MAX_DC, MAX_DC_BITS, type HuffmanTable } from "../huffman-table.js";
import type { JpegScan } from "../scan.js";
import { BitReader, decodingTable, extend, type DecodingTable } from "./bit-reader.js";
import type { Tokens } from "./tokens.js";

interface Part {
  readonly dcTable: DecodingTable;
  readonly acTable: DecodingTable;
  readonly dc: number;
  readonly ac: number;
  /** Blocks in an MCU. */
  readonly blocks: number;
  /** The DC value of the block before, in the source and in the output. */
  before: number;
  written: number;
}

/**
 * The symbols of the one scan of a sequential file, which are those of the output, but for the DC values after a restart.
 * @returns false if the data is corrupt.
 */
export function decodeDirect(job: EntropyJob, tokens: Tokens): boolean {
  const { source, interval } = job;
  const scan = source.scans[0] as JpegScan;
  const parts = partsOf(job, scan);
  const perSegment = scan.interval === 0 ? scan.mcus : scan.interval;
  let mcu = 0;
  for (let i = 0; i < scan.segments.length; i += 2) {
    const reader = new BitReader(source.bytes, scan.segments[i] as number, scan.segments[i + 1] as number);
    for (const part of parts) part.before = 0;
    for (const end = Math.min(mcu + perSegment, scan.mcus); mcu < end;) {
      for (const part of parts) {
        for (let block = 0; block < part.blocks; block++) if (!decodeBlock(reader, part, tokens)) return false;
      }
      if (++mcu % interval !== 0) continue;
      tokens.endSegment();
      for (const part of parts) part.written = 0;
    }
    if (!reader.isDone) return false;
  }
  return true;
}

function partsOf(job: EntropyJob, scan: JpegScan): Part[] {
  return scan.components.map(({ index, dcTable, acTable }) => {
    const { h, v } = job.source.frame.components[index] as { h: number; v: number };
    // The check of the scans has found both.
    const lookups = {
      dcTable: decodingTable(dcTable as HuffmanTable),
      acTable: decodingTable(acTable as HuffmanTable),
    };
    return { ...lookups, ...tablesOf(job, index), blocks: h * v, before: 0, written: 0 };
  });
}

function decodeBlock(reader: BitReader, part: Part, tokens: Tokens): boolean {
  const size = reader.symbol(part.dcTable);
  if (size < 0 || size > MAX_DC_BITS) return false;
  const value = part.before + extend(reader.bits(size), size);
  if (Math.abs(value) > MAX_DC || Math.abs(value - part.written) > MAX_DC) return false;
  tokens.addValue(part.dc, 0, value - part.written);
  part.before = part.written = value;
  for (let k = 1; k < 64;) {
    const symbol = reader.symbol(part.acTable);
    const bits = symbol & 15;
    if (symbol < 0 || bits > MAX_AC_BITS || (bits === 0 && symbol !== 0 && symbol !== 0xf0)) return false;
    tokens.add(part.ac, symbol, reader.bits(bits));
    if (symbol === 0) break;
    k += (symbol >> 4) + 1;
    if (k > 64) return false;
  }
  return !reader.isPast;
}
