import type { EntropyJob } from "../entropy-coder.js";
import type { JpegFrame } from "../frame.js";
import type { HuffmanTable } from "../huffman-table.js";
import type { JpegScan } from "../scan.js";
import { BitReader, decodingTable, type DecodingTable } from "./bit-reader.js";
import { progressiveBlock } from "./progressive-block.js";
import { sequentialBlock } from "./sequential-block.js";

/** The coefficients of one component: 64 a block in zigzag order, of whole MCUs. */
export interface Plane {
  readonly coefficients: Int16Array;
  /** Blocks in a row, with those that only fill up an MCU. */
  readonly blocksWide: number;
}

/** What decoding a scan keeps from block to block. */
export interface ScanState {
  readonly reader: BitReader;
  readonly scan: JpegScan;
  /** Of each component of the scan. */
  readonly dcTables: readonly (DecodingTable | undefined)[];
  readonly acTables: readonly (DecodingTable | undefined)[];
  /** The DC value of the block before, of each component of the scan. */
  readonly before: Int32Array;
  /** Blocks to come that have no more coefficients in the band of the scan. */
  endOfBandRun: number;
}

/** Decodes a block into 64 coefficients from `at` on; false if the data is corrupt. */
export type BlockDecoder = (state: ScanState, part: number, coefficients: Int16Array, at: number) => boolean;

/**
 * The coefficients of all components, from all scans.
 * @returns `undefined` if the data is corrupt.
 */
export function decodeCoefficients(job: EntropyJob): Plane[] | undefined {
  const { frame, scans } = job.source;
  const planes = frame.components.map(({ h, v }): Plane => {
    const blocksWide = frame.mcusPerRow * h;
    return { blocksWide, coefficients: new Int16Array(64 * blocksWide * frame.mcuRows * v) };
  });
  for (const scan of scans) if (!decodeScan(job, scan, planes)) return undefined;
  return planes;
}

function lookupOf(table: HuffmanTable | undefined): DecodingTable | undefined {
  return table === undefined ? undefined : decodingTable(table);
}

function decodeScan(job: EntropyJob, scan: JpegScan, planes: readonly Plane[]): boolean {
  const { frame, bytes } = job.source;
  const dcTables = scan.components.map(({ dcTable }) => (scan.first === 0 ? lookupOf(dcTable) : undefined));
  const acTables = scan.components.map(({ acTable }) => (scan.last > 0 ? lookupOf(acTable) : undefined));
  const decoder: BlockDecoder = frame.progressive ? progressiveBlock(scan) : sequentialBlock;
  const perSegment = scan.interval === 0 ? scan.mcus : scan.interval;
  for (let i = 0, mcu = 0; i < scan.segments.length; i += 2) {
    const reader = new BitReader(bytes, scan.segments[i] as number, scan.segments[i + 1] as number);
    const before = new Int32Array(scan.components.length);
    const state: ScanState = { reader, scan, dcTables, acTables, before, endOfBandRun: 0 };
    for (const end = Math.min(mcu + perSegment, scan.mcus); mcu < end; mcu++)
      if (!decodeMcu(state, frame, planes, decoder, mcu)) return false;
    if (!reader.isDone || state.endOfBandRun > 0) return false;
  }
  return true;
}

function decodeMcu(
  state: ScanState,
  frame: JpegFrame,
  planes: readonly Plane[],
  decoder: BlockDecoder,
  mcu: number,
): boolean {
  const { components } = state.scan;
  const single = components.length === 1;
  for (const [part, { index }] of components.entries()) {
    const { h, v, blocksWide } = frame.components[index] as JpegFrame["components"][number];
    const plane = planes[index] as Plane;
    // The MCU of a scan of one component is one of its blocks, without those that only fill up MCUs of others.
    const [wide, high, perRow] = single ? [1, 1, blocksWide] : [h, v, frame.mcusPerRow];
    const [row, column] = [Math.floor(mcu / perRow) * high, (mcu % perRow) * wide];
    for (let y = row; y < row + high; y++) {
      for (let x = column; x < column + wide; x++) {
        const at = 64 * (y * plane.blocksWide + x);
        if (!decoder(state, part, plane.coefficients, at) || state.reader.isPast) return false;
      }
    }
  }
  return true;
}
