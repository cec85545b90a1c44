import type { JpegFrame } from "./frame.js";
import { refuse } from "./refusal.js";
import type { JpegScan } from "./scan.js";

/**
 * Checks that the scans of a file together make a whole image: of a sequential one, each component once; of a
 * progressive one, each coefficient to its last bit plane. (Decoders smooth the blocks of an incomplete progressive
 * file, which they would not of the baseline file made of it.)
 */
export function checkScript(frame: JpegFrame, scans: readonly JpegScan[]): void {
  if (frame.progressive) checkProgressive(frame, scans);
  else checkSequential(frame, scans);
}

function checkSequential(frame: JpegFrame, scans: readonly JpegScan[]): void {
  const seen = new Set<number>();
  for (const scan of scans) {
    if (scan.first !== 0 || scan.last !== 63 || scan.high !== 0 || scan.low !== 0)
      refuse("progression", "has a scan of a part of the coefficients in a sequential frame");
    for (const { index, dcTable, acTable } of scan.components) {
      if (seen.has(index)) refuse("components", "has a component in two scans");
      seen.add(index);
      if (dcTable === undefined || acTable === undefined) refuse("corrupt", "uses a Huffman table that it lacks");
    }
  }
  if (seen.size !== frame.components.length) refuse("components", "lacks a component");
}

function checkProgressive(frame: JpegFrame, scans: readonly JpegScan[]): void {
  // The lowest bit plane that is known of each coefficient of each component; 255: none yet.
  const known = frame.components.map(() => new Uint8Array(64).fill(255));
  for (const scan of scans) {
    checkBand(scan);
    for (const { index, dcTable, acTable } of scan.components) {
      const planes = known[index] as Uint8Array;
      if (scan.first > 0 && planes[0] === 255) refuse("progression", "has details before what they belong to");
      if (scan.first === 0 ? dcTable === undefined && scan.high === 0 : acTable === undefined)
        refuse("corrupt", "uses a Huffman table that it lacks");
      for (let k = scan.first; k <= scan.last; k++) {
        if (planes[k] !== (scan.high === 0 ? 255 : scan.high)) refuse("progression", "has bit planes out of order");
        planes[k] = scan.low;
      }
    }
  }
  if (known.some((planes) => planes.some((plane) => plane !== 0))) refuse("progression", "lacks the last bit planes");
}

/** ITU-T T.81, G.1.1.1: a scan is of DC, or of a band of AC of one component; bit planes come one at a time. */
function checkBand({ first, last, high, low, components }: JpegScan): void {
  const band = first === 0 ? last === 0 : last >= first && last <= 63 && components.length === 1;
  if (!band) refuse("progression", "has a scan of an impossible band");
  if (low > 13 || (high !== 0 && low !== high - 1)) refuse("progression", "has a scan of impossible bit planes");
}
