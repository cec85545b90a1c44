import { tablesOf, type EntropyJob } from "../entropy-coder.js";
import type { JpegComponent } from "../frame.js";
import { MAX_AC_BITS, MAX_DC } from "../huffman-table.js";
import type { Plane } from "./coefficients.js";
import type { Tokens } from "./tokens.js";

/**
 * The symbols of one scan of all components. Blocks that only fill up an MCU repeat the DC value before and hold nothing
 * else.
 * @returns false if a coefficient is too large to be coded.
 */
export function tokensOf(job: EntropyJob, planes: readonly Plane[], tokens: Tokens): boolean {
  const { frame } = job.source;
  const { mcusPerRow, components } = frame;
  const written = new Int32Array(components.length);
  const tables = components.map((_, i) => tablesOf(job, i));
  for (let mcu = 0; mcu < mcusPerRow * frame.mcuRows;) {
    const [row, column] = [Math.floor(mcu / mcusPerRow), mcu % mcusPerRow];
    for (const [i, component] of components.entries()) {
      const { coefficients, blocksWide } = planes[i] as Plane;
      const { dc, ac } = tables[i] as { dc: number; ac: number };
      for (let block = 0; block < component.h * component.v; block++) {
        const y = row * component.v + Math.floor(block / component.h);
        const x = column * component.h + (block % component.h);
        const at = 64 * (y * blocksWide + x);
        const dcValue = isPadding(component, x, y) ? (written[i] as number) : (coefficients[at] as number);
        const difference = dcValue - (written[i] as number);
        if (Math.abs(dcValue) > MAX_DC || Math.abs(difference) > MAX_DC) return false;
        tokens.addValue(dc, 0, difference);
        written[i] = dcValue;
        if (isPadding(component, x, y)) tokens.add(ac, 0, 0);
        else if (!acTokens(coefficients, at, ac, tokens)) return false;
      }
    }
    if (++mcu % job.interval !== 0) continue;
    tokens.endSegment();
    written.fill(0);
  }
  return true;
}

function isPadding(component: JpegComponent, x: number, y: number): boolean {
  return x >= component.blocksWide || y >= component.blocksHigh;
}

function acTokens(coefficients: Int16Array, at: number, table: number, tokens: Tokens): boolean {
  let run = 0;
  for (let k = 1; k < 64; k++) {
    const value = coefficients[at + k] as number;
    if (value === 0) {
      run++;
      continue;
    }
    if (Math.abs(value) >= 1 << MAX_AC_BITS) return false;
    for (; run > 15; run -= 16) tokens.add(table, 0xf0, 0);
    tokens.addValue(table, run, value);
    run = 0;
  }
  if (run > 0) tokens.add(table, 0, 0);
  return true;
}
