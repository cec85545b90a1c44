import { refuse } from "./refusal.js";

/** One component of a frame: Y, Cb, Cr, … */
export interface JpegComponent {
  readonly id: number;
  /** Horizontal and vertical sampling factor; both 1 in a frame of one component, where they mean nothing. */
  readonly h: number;
  readonly v: number;
  /** Number of its quantisation table. */
  readonly quantTable: number;
  /** Blocks of 8 x 8 that hold its samples. */
  readonly blocksWide: number;
  readonly blocksHigh: number;
}

/** The frame header (ITU-T T.81, B.2.2) and what follows from it. */
export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly JpegComponent[];
  /** Pixels of an MCU of a scan of all components: 8, 16, 24 or 32. */
  readonly mcuWidth: number;
  readonly mcuHeight: number;
  readonly mcusPerRow: number;
  readonly mcuRows: number;
  /** Blocks of an MCU. */
  readonly mcuBlocks: number;
}

/** SOF2; all others that are read are sequential. */
const PROGRESSIVE = 0xc2;

/** Why a frame of that marker is refused, or `undefined` for SOF0, SOF1 and SOF2. */
function refusalOfKind(marker: number): "lossless" | "hierarchical" | "arithmetic" | undefined {
  if (marker <= PROGRESSIVE) return undefined;
  if (marker >= 0xc9) return "arithmetic";
  return marker === 0xc3 ? "lossless" : "hierarchical";
}

/** True for SOF0 to SOF15, which are 0xc0 to 0xcf but for DHT, JPG and DAC. */
export function isFrameMarker(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/**
 * Parses a frame header.
 * @param bytes the segment after its length
 * @param byte where it stands in the file
 */
export function parseFrame(marker: number, bytes: Uint8Array, byte: number): JpegFrame {
  const kind = refusalOfKind(marker);
  if (kind !== undefined) refuse(kind, "is of a kind of JPEG that cannot be cut into segments", byte);
  const at = (i: number): number => bytes[i] ?? refuse("corrupt", "has a frame header that is too short", byte);
  if (at(0) !== 8) refuse("precision", `has samples of ${at(0)} bits`, byte);
  const height = at(1) * 256 + at(2);
  const width = at(3) * 256 + at(4);
  if (height === 0) refuse("no-height", "does not give its height before its data", byte);
  if (width === 0) refuse("corrupt", "announces no columns", byte);
  const count = at(5);
  if (count < 1 || count > 4) refuse("components", `has ${count} components`, byte);
  if (bytes.length !== 6 + 3 * count) refuse("corrupt", "has a frame header of the wrong length", byte);
  const rows = Array.from({ length: count }, (_, i) => {
    const factors = at(7 + 3 * i);
    return { id: at(6 + 3 * i), h: factors >> 4, v: factors & 15, quantTable: at(8 + 3 * i) };
  });
  for (const { h, v, quantTable } of rows) {
    if (h < 1 || h > 4 || v < 1 || v > 4) refuse("sampling", `has a sampling factor of ${h} x ${v}`, byte);
    if (quantTable > 3) refuse("corrupt", "names a quantisation table above 3", byte);
  }
  if (new Set(rows.map(({ id }) => id)).size !== count) refuse("components", "has a component twice", byte);
  return frameOf(width, height, marker === PROGRESSIVE, rows, byte);
}

type Row = Pick<JpegComponent, "id" | "h" | "v" | "quantTable">;

function frameOf(width: number, height: number, progressive: boolean, rows: readonly Row[], byte: number): JpegFrame {
  const single = rows.length === 1;
  const hMax = single ? 1 : Math.max(...rows.map(({ h }) => h));
  const vMax = single ? 1 : Math.max(...rows.map(({ v }) => v));
  const components = rows.map((row): JpegComponent => {
    const [h, v] = single ? [1, 1] : [row.h, row.v];
    const blocksWide = Math.ceil(Math.ceil((width * h) / hMax) / 8);
    const blocksHigh = Math.ceil(Math.ceil((height * v) / vMax) / 8);
    return { ...row, h, v, blocksWide, blocksHigh };
  });
  const mcuBlocks = components.reduce((sum, { h, v }) => sum + h * v, 0);
  if (mcuBlocks > 10) refuse("sampling", `needs ${mcuBlocks} blocks in an MCU, where 10 are allowed`, byte);
  const [mcuWidth, mcuHeight] = [8 * hMax, 8 * vMax];
  return {
    width,
    height,
    progressive,
    components,
    mcuWidth,
    mcuHeight,
    mcusPerRow: Math.ceil(width / mcuWidth),
    mcuRows: Math.ceil(height / mcuHeight),
    mcuBlocks,
  };
}

/**
 * MCUs from one restart marker to the next: the divisor of the MCUs in a row nearest to 8, or to 4 where chroma is
 * subsampled, so that segments begin at the left edge of every row and are 64 pixels wide. Smaller ones cost bytes,
 * larger ones make a crop decode more than it needs.
 */
export function restartInterval(frame: JpegFrame): number {
  const wanted = frame.mcuWidth * frame.mcuHeight === 64 ? 8 : 4;
  const { mcusPerRow } = frame;
  let best = 1;
  for (let d = 2; d <= mcusPerRow; d++) {
    if (mcusPerRow % d === 0 && Math.abs(d - wanted) <= Math.abs(best - wanted)) best = d;
  }
  return best;
}
