import { checkTable, type HuffmanTable } from "./huffman-table.js";
import { isFrameMarker, parseFrame, type JpegFrame } from "./frame.js";
import { isExif, segmentOrientation } from "./orientation.js";
import { refuse } from "./refusal.js";
import { findScanData, scanMcus, type JpegScan, type ScanComponent } from "./scan.js";

/** A segment of metadata: what it is, and its bytes with the marker. */
export interface Metadata {
  /** `profile`: a part of an ICC profile; `adobe`: the colour transform (APP14). */
  readonly kind: "jfif" | "profile" | "adobe" | "other";
  readonly bytes: Uint8Array;
}

/** A JPEG taken apart, as far as its markers go. */
export interface JpegSource {
  readonly bytes: Uint8Array;
  readonly frame: JpegFrame;
  /** APPn and COM before the first scan, in their order. */
  readonly metadata: readonly Metadata[];
  /** By their number: precision and number in one byte, then the values, as DQT has them. */
  readonly quantTables: readonly (Uint8Array | undefined)[];
  readonly scans: readonly JpegScan[];
  /** EXIF orientation, 1 to 8, also 1 without EXIF; `undefined` where it cannot be told. */
  readonly orientation: number | undefined;
}

/**
 * Parses the markers of a JPEG, from SOI to EOI; what follows EOI is ignored. Refuses what no scan of a baseline file
 * can hold; what the entropy-coded data holds is not looked at.
 * @param maxPixels most pixels of a frame
 */
export function parseSource(bytes: Uint8Array, maxPixels: number): JpegSource {
  return new Parser(bytes, maxPixels).parse();
}

const [SOI, EOI, SOS, DQT, DNL, DRI, DHP, EXP, DHT, DAC, COM] = [
  0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xc4, 0xcc, 0xfe,
];

class Parser {
  #at = 2;
  #frame: JpegFrame | undefined;
  #interval = 0;
  #orientation: number | undefined = 1;
  #exifs = 0;
  readonly #metadata: Metadata[] = [];
  readonly #quantTables: (Uint8Array | undefined)[] = [undefined, undefined, undefined, undefined];
  /** DC tables 0 to 3, then AC tables 0 to 3. */
  readonly #huffmanTables: (HuffmanTable | undefined)[] = [];
  readonly #scans: JpegScan[] = [];

  constructor(
    readonly bytes: Uint8Array,
    readonly maxPixels: number,
  ) {}

  parse(): JpegSource {
    const { bytes } = this;
    if (bytes[0] !== 0xff || bytes[1] !== SOI || bytes[2] !== 0xff) refuse("not-jpeg", "is no JPEG", 0);
    for (let marker = this.#marker(); marker !== EOI; marker = this.#marker()) this.#segment(marker);
    const frame = this.#frame;
    if (frame === undefined || this.#scans.length === 0) return refuse("corrupt", "holds no image", this.#at);
    for (const { quantTable } of frame.components)
      if (this.#quantTables[quantTable] === undefined) refuse("corrupt", "uses a quantisation table that it lacks");
    return {
      bytes,
      frame,
      metadata: this.#metadata,
      quantTables: this.#quantTables,
      scans: this.#scans,
      orientation: this.#orientation,
    };
  }

  /** The code of the marker at the current position, which moves behind it. */
  #marker(): number {
    const { bytes } = this;
    if (this.#at >= bytes.length) refuse("truncated", "ends before its end marker", bytes.length);
    if (bytes[this.#at] !== 0xff) refuse("corrupt", "has stray bytes before a marker", this.#at);
    while (bytes[this.#at] === 0xff) this.#at++;
    return bytes[this.#at++] ?? refuse("truncated", "ends inside of a marker", bytes.length);
  }

  #segment(marker: number): void {
    const { bytes } = this;
    const start = this.#at;
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= SOI)) refuse("corrupt", "has a marker out of place", start - 1);
    if (start + 2 > bytes.length) refuse("truncated", "ends inside of a header", start);
    const end = start + (bytes[start] as number) * 256 + (bytes[start + 1] as number);
    if (end < start + 2) refuse("corrupt", "has a segment without a length", start);
    if (end > bytes.length) refuse("truncated", "ends inside of a header", start);
    this.#at = end;
    const payload = bytes.subarray(start + 2, end);
    if (isFrameMarker(marker)) this.#takeFrame(marker, payload, start);
    else if (marker === SOS) this.#takeScan(payload, start);
    else if (marker === DQT) this.#takeQuantTables(payload, start);
    else if (marker === DHT) this.#takeHuffmanTables(payload, start);
    else if (marker === DRI) this.#takeInterval(payload, start);
    else if (marker === DAC) refuse("arithmetic", "is coded arithmetically", start);
    else if (marker === DNL) refuse("no-height", "gives its height after its data", start);
    else if (marker === DHP || marker === EXP) refuse("hierarchical", "is hierarchical", start);
    else if (marker === COM || (marker >= 0xe0 && marker <= 0xef))
      // However many fill bytes stand before it, a marker's own 0xff is the last of them.
      this.#takeMetadata(marker, payload, bytes.subarray(start - 2, end));
    else refuse("corrupt", "has a segment of an unknown kind", start);
  }

  #takeFrame(marker: number, payload: Uint8Array, byte: number): void {
    if (this.#frame !== undefined) refuse("corrupt", "has two frame headers", byte);
    const frame = parseFrame(marker, payload, byte);
    if (frame.width * frame.height > this.maxPixels)
      refuse("too-large", `has ${frame.width} x ${frame.height} pixels, more than ${this.maxPixels}`, byte);
    this.#frame = frame;
  }

  #takeInterval(payload: Uint8Array, byte: number): void {
    if (payload.length !== 2) refuse("corrupt", "has a restart interval of the wrong length", byte);
    this.#interval = (payload[0] as number) * 256 + (payload[1] as number);
  }

  #takeQuantTables(payload: Uint8Array, byte: number): void {
    for (let at = 0; at < payload.length;) {
      const kind = payload[at] as number;
      const length = kind >> 4 === 0 ? 65 : 129;
      const table = payload.slice(at, at + length);
      if (kind >> 4 > 1 || (kind & 15) > 3 || table.length < length)
        refuse("corrupt", "has an impossible quantisation table", byte);
      const before = this.#quantTables[kind & 15];
      if (this.#scans.length > 0 && before !== undefined && Buffer.compare(before, table) !== 0)
        refuse("tables-redefined", "changes a quantisation table between scans", byte);
      this.#quantTables[kind & 15] = table;
      at += length;
    }
  }

  #takeHuffmanTables(payload: Uint8Array, byte: number): void {
    for (let at = 0; at < payload.length;) {
      const kind = payload[at] as number;
      const counts = payload.slice(at + 1, at + 17);
      const codes = counts.reduce((sum, count) => sum + count, 0);
      const symbols = payload.slice(at + 17, at + 17 + codes);
      if (kind >> 4 > 1 || (kind & 15) > 3 || counts.length < 16 || codes > 256 || symbols.length < codes)
        refuse("corrupt", "has an impossible Huffman table", byte);
      const table = { counts, symbols };
      checkTable(table, byte);
      this.#huffmanTables[(kind >> 4) * 4 + (kind & 15)] = table;
      at += 17 + codes;
    }
  }

  #takeMetadata(marker: number, payload: Uint8Array, bytes: Uint8Array): void {
    // What stands between scans is rare and says nothing of the pixels.
    if (this.#scans.length > 0) return;
    const name = Buffer.from(payload.buffer, payload.byteOffset, Math.min(payload.length, 12)).toString("latin1");
    // The index of images that follow this one's end, which do not come along.
    if (marker === 0xe2 && name.startsWith("MPF\0")) return;
    if (marker === 0xe1 && isExif(payload))
      this.#orientation = this.#exifs++ === 0 ? segmentOrientation(payload) : undefined;
    let kind: Metadata["kind"] = "other";
    if (marker === 0xe0 && name.startsWith("JFIF\0")) kind = "jfif";
    else if (marker === 0xe2 && name === "ICC_PROFILE\0") kind = "profile";
    else if (marker === 0xee && name.startsWith("Adobe")) kind = "adobe";
    this.#metadata.push({ kind, bytes });
  }

  #takeScan(payload: Uint8Array, byte: number): void {
    const frame = this.#frame ?? refuse("corrupt", "has a scan before its frame header", byte);
    const count = payload[0] ?? 0;
    if (count < 1 || count > 4 || payload.length !== 4 + 2 * count) refuse("corrupt", "has a bad scan header", byte);
    const components = Array.from({ length: count }, (_, i) => this.#scanComponent(frame, payload, 1 + 2 * i, byte));
    const indices = components.map(({ index }) => index);
    if (indices.some((index, i) => i > 0 && index <= (indices[i - 1] as number)))
      refuse("components", "has the components of a scan out of order", byte);
    const mcus = scanMcus(frame, indices);
    const [first = 0, last = 0, planes = 0] = payload.subarray(1 + 2 * count);
    const data = findScanData(this.bytes, this.#at);
    this.#at = data.end;
    const interval = this.#interval;
    const expected = interval === 0 ? 1 : Math.ceil(mcus / interval);
    if (data.segments.length !== 2 * expected)
      refuse("corrupt", `has ${data.segments.length / 2} segments in a scan where ${expected} belong`, byte);
    const { segments } = data;
    this.#scans.push({ components, first, last, high: planes >> 4, low: planes & 15, interval, mcus, segments });
  }

  #scanComponent(frame: JpegFrame, payload: Uint8Array, at: number, byte: number): ScanComponent {
    const index = frame.components.findIndex(({ id }) => id === payload[at]);
    if (index < 0) refuse("components", "has a scan of a component that the frame lacks", byte);
    const tables = payload[at + 1] as number;
    const [dc, ac] = [tables >> 4, tables & 15];
    if (dc > 3 || ac > 3) refuse("corrupt", "names a Huffman table above 3", byte);
    return { index, dc, ac, dcTable: this.#huffmanTables[dc], acTable: this.#huffmanTables[4 + ac] };
  }
}
