import type { JpegFrame } from "./frame.js";
import type { HuffmanTable } from "./huffman-table.js";
import { refuse } from "./refusal.js";

/** A component's part in a scan. */
export interface ScanComponent {
  /** Its place in the frame. */
  readonly index: number;
  /** Numbers of its tables, 0 to 3. */
  readonly dc: number;
  readonly ac: number;
  /** The tables as they are when the scan begins; `undefined` where none was defined. */
  readonly dcTable: HuffmanTable | undefined;
  readonly acTable: HuffmanTable | undefined;
}

/** One scan: its header (ITU-T T.81, B.2.3) and where its entropy-coded segments lie. */
export interface JpegScan {
  readonly components: readonly ScanComponent[];
  /** First and last coefficient, in zigzag order. */
  readonly first: number;
  readonly last: number;
  /** Bit planes of successive approximation: sent before, and sent with this scan. */
  readonly high: number;
  readonly low: number;
  /** MCUs from one restart to the next; 0: no restarts. */
  readonly interval: number;
  /** MCUs of the scan. */
  readonly mcus: number;
  /** Begin and end of each entropy-coded segment in the file, without the markers: two numbers each. */
  readonly segments: readonly number[];
}

/** MCUs of a scan of these components: blocks, where there is one only. */
export function scanMcus(frame: JpegFrame, indices: readonly number[]): number {
  const [only] = indices;
  if (indices.length > 1 || only === undefined) return frame.mcusPerRow * frame.mcuRows;
  const component = frame.components[only];
  return component === undefined ? 0 : component.blocksWide * component.blocksHigh;
}

/** Blocks that a scan visits, padding included. */
export function scanBlocks(frame: JpegFrame, scan: JpegScan): number {
  if (scan.components.length === 1) return scan.mcus;
  const perMcu = scan.components.reduce((sum, { index }) => {
    const component = frame.components[index];
    return sum + (component === undefined ? 0 : component.h * component.v);
  }, 0);
  return scan.mcus * perMcu;
}

/** Where the data of a scan ends, and its segments. */
export interface ScanData {
  readonly segments: readonly number[];
  /** Offset of the marker that follows. */
  readonly end: number;
}

/** Finds the markers in the data of a scan that begins at `start`. Restart markers must come in their order. */
export function findScanData(file: Uint8Array, start: number): ScanData {
  // A Buffer's search is twice as fast.
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const segments: number[] = [];
  let begin = start;
  let restarts = 0;
  for (let at = bytes.indexOf(0xff, start); at >= 0; at = bytes.indexOf(0xff, at)) {
    let next = at + 1;
    if (bytes[next] === 0) {
      at += 2;
      continue;
    }
    while (bytes[next] === 0xff) next++;
    const marker = bytes[next];
    if (marker === undefined) break;
    if (marker === 0) refuse("corrupt", "has fill bytes before a stuffed byte", at);
    segments.push(begin, at);
    if (marker < 0xd0 || marker > 0xd7) return { segments, end: at };
    if (marker !== 0xd0 + (restarts++ & 7)) refuse("corrupt", "has restart markers out of order", at);
    at = begin = next + 1;
  }
  return refuse("truncated", "ends inside of a scan", bytes.length);
}
