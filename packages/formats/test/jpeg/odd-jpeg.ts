import { random } from "./photos.js";

/** A sequential JPEG as hardly any program writes it. */
export interface OddJpeg {
  readonly width: number;
  readonly height: number;
  /** Sampling factors of each component. */
  readonly factors: readonly (readonly [h: number, v: number])[];
  /** The components of each scan. Default: one scan of all. */
  readonly scans?: readonly (readonly number[])[];
  /** MCUs from one restart to the next; 0 (default): none. */
  readonly interval?: number;
  /** Tables of each component are its own, which takes SOF1 from the third on. */
  readonly ownTables?: boolean;
  /** Quantisation values of 16 bits. */
  readonly wideQuant?: boolean;
  /** Fill bytes before markers, and bytes after the end. */
  readonly padding?: boolean;
  readonly seed?: number;
}

/** DC: the 12 categories with 4 bits each. AC: all symbols of baseline with 8 bits each. */
const DC_SYMBOLS = Array.from({ length: 12 }, (_, i) => i);
const AC_SYMBOLS = [0, 0xf0];
for (let run = 0; run < 16; run++) for (let size = 1; size < 11; size++) AC_SYMBOLS.push(run * 16 + size);

/** Makes the JPEG: blocks of few random coefficients. */
export function oddJpeg(options: OddJpeg): Uint8Array {
  const { width, height, factors, ownTables = false, padding = false, interval = 0 } = options;
  const scans = options.scans ?? [factors.map((_, i) => i)];
  const next = random(options.seed ?? 1);
  const tables = ownTables ? factors.length : 1;
  const bytes: number[] = [0xff, 0xd8];
  const segment = (marker: number, payload: readonly number[]): void => {
    if (padding) bytes.push(0xff, 0xff);
    bytes.push(0xff, marker, (payload.length + 2) >> 8, (payload.length + 2) & 255, ...payload);
  };
  const quant = options.wideQuant === true ? [0x10, ...repeat([0, 7])] : [0, ...repeat([7])];
  segment(0xdb, quant);
  const parts = factors.flatMap(([h, v], i) => [i + 1, h * 16 + v, 0]);
  const isExtended = tables > 2 || options.wideQuant === true;
  segment(isExtended ? 0xc1 : 0xc0, [8, height >> 8, height & 255, width >> 8, width & 255, factors.length, ...parts]);
  for (let i = 0; i < tables; i++) {
    segment(0xc4, [i, ...counts(4, DC_SYMBOLS.length), ...DC_SYMBOLS]);
    segment(0xc4, [16 + i, ...counts(8, AC_SYMBOLS.length), ...AC_SYMBOLS]);
  }
  if (interval > 0) segment(0xdd, [interval >> 8, interval & 255]);
  for (const scan of scans) {
    segment(0xda, [scan.length, ...scan.flatMap((i) => [i + 1, ownTables ? i * 17 : 0]), 0, 63, 0]);
    bytes.push(...scanData(options, scan, next));
  }
  bytes.push(0xff, 0xd9);
  if (padding) bytes.push(1, 2, 3, 0xff, 0xd0);
  return Uint8Array.from(bytes);
}

function repeat(values: readonly number[]): number[] {
  return Array.from({ length: 64 }, () => values).flat();
}

function counts(length: number, codes: number): number[] {
  return Array.from({ length: 16 }, (_, i) => (i === length - 1 ? codes : 0));
}

/** The data of a scan, with its restart markers. */
function scanData(
  { width, height, factors, interval = 0 }: OddJpeg,
  scan: readonly number[],
  next: () => number,
): number[] {
  const hMax = Math.max(...factors.map(([h]) => h));
  const vMax = Math.max(...factors.map(([, v]) => v));
  const [only = 0] = scan;
  const [h, v] = factors[only] as readonly [number, number];
  const blocks = Math.ceil(Math.ceil((width * h) / hMax) / 8) * Math.ceil(Math.ceil((height * v) / vMax) / 8);
  const mcus = scan.length === 1 ? blocks : Math.ceil(width / (8 * hMax)) * Math.ceil(height / (8 * vMax));
  const perMcu = scan.map((i) => (scan.length === 1 ? 1 : (factors[i]?.[0] ?? 0) * (factors[i]?.[1] ?? 0)));
  const data: number[] = [];
  let bits = "";
  let before = scan.map(() => 0);
  for (let mcu = 0; mcu < mcus; mcu++) {
    if (interval > 0 && mcu > 0 && mcu % interval === 0) {
      flush(bits, data);
      bits = "";
      data.push(0xff, 0xd0 + ((mcu / interval - 1) & 7));
      before = scan.map(() => 0);
    }
    for (const [part, count] of perMcu.entries()) {
      for (let i = 0; i < count; i++) {
        const dc = Math.round((next() - 0.5) * 160);
        bits += valueBits(dc - (before[part] as number), (size) => code(DC_SYMBOLS, size, 4));
        before[part] = dc;
        bits += acBits(next);
      }
    }
  }
  flush(bits, data);
  return data;
}

function acBits(next: () => number): string {
  let bits = "";
  let k = 1;
  for (let left = Math.floor(next() * 5); left > 0; left--) {
    let run = Math.floor(next() ** 3 * 40);
    if (k + run > 63) break;
    k += run + 1;
    for (; run > 15; run -= 16) bits += code(AC_SYMBOLS, 0xf0, 8);
    const value = Math.ceil(next() * 12) * (next() < 0.5 ? -1 : 1);
    const zeros = run;
    bits += valueBits(value, (size) => code(AC_SYMBOLS, zeros * 16 + size, 8));
  }
  return k === 64 ? bits : bits + code(AC_SYMBOLS, 0, 8);
}

function code(symbols: readonly number[], symbol: number, length: number): string {
  return symbols.indexOf(symbol).toString(2).padStart(length, "0");
}

function valueBits(value: number, codeOf: (size: number) => string): string {
  const size = Math.abs(value) === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
  const extra = value < 0 ? value + 2 ** size - 1 : value;
  return codeOf(size) + (size === 0 ? "" : extra.toString(2).padStart(size, "0"));
}

function flush(bits: string, data: number[]): void {
  for (let i = 0; i < bits.length; i += 8) {
    const byte = Number.parseInt(bits.slice(i, i + 8).padEnd(8, "1"), 2);
    data.push(byte);
    if (byte === 0xff) data.push(0);
  }
}
