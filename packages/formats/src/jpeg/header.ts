import { tablesOf, type EntropyJob, type TableSet } from "./entropy-coder.js";
import type { JpegFrame } from "./frame.js";
import type { HuffmanTable } from "./huffman-table.js";
import type { Metadata } from "./source.js";

/** The header of a seekable JPEG. */
export interface Header {
  readonly bytes: Uint8Array;
  /**
   * Where that part begins which a crop needs: colour profile, colour transform, tables, frame, scan. Before it stand
   * JFIF, EXIF and the like.
   */
  readonly essentialStart: number;
  /** Whether the file has a JFIF segment, which tells decoders the colour space. */
  readonly hasJfif: boolean;
}

/** Everything from SOI to the start of the data: metadata first, as it was; then what decoding needs. */
export function headerOf(job: EntropyJob, tables: TableSet): Header {
  const { source, interval } = job;
  const of = (...kinds: Metadata["kind"][]): Uint8Array[] =>
    source.metadata.filter(({ kind }) => kinds.includes(kind)).map(({ bytes }) => bytes);
  const before = [Uint8Array.of(0xff, 0xd8), ...of("jfif"), ...of("other")];
  const { frame, quantTables } = source;
  const usedQuant = quantTables.filter((_, i) => frame.components.some(({ quantTable }) => quantTable === i));
  const essential = [
    ...of("profile"),
    ...of("adobe"),
    ...usedQuant.map((table) => segment(0xdb, table ?? [])),
    frameSegment(frame, tables, usedQuant),
    ...tables.flatMap((table, i) => (table === undefined ? [] : [tableSegment(table, i)])),
    segment(0xdd, [interval >> 8, interval & 255]),
    scanSegment(job),
  ];
  const essentialStart = before.reduce((sum, { length }) => sum + length, 0);
  return {
    bytes: Buffer.concat([...before, ...essential]),
    essentialStart,
    hasJfif: of("jfif").length > 0,
  };
}

function segment(marker: number, payload: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length);
  bytes.set([0xff, marker, (payload.length + 2) >> 8, (payload.length + 2) & 255]);
  bytes.set(payload, 4);
  return bytes;
}

function tableSegment({ counts, symbols }: HuffmanTable, number: number): Uint8Array {
  return segment(0xc4, [number < 4 ? number : 16 + number - 4, ...counts, ...symbols]);
}

/** SOF0, or SOF1 where baseline does not allow as many tables or quantisation values of 16 bits. */
function frameSegment(frame: JpegFrame, tables: TableSet, quant: readonly (Uint8Array | undefined)[]): Uint8Array {
  const { width, height, components } = frame;
  const isWide = quant.some((table) => (table?.[0] ?? 0) >> 4 > 0);
  const isExtended = isWide || tables.some((table, i) => table !== undefined && (i & 3) > 1);
  const payload = [8, height >> 8, height & 255, width >> 8, width & 255, components.length];
  for (const { id, h, v, quantTable } of components) payload.push(id, h * 16 + v, quantTable);
  return segment(isExtended ? 0xc1 : 0xc0, payload);
}

function scanSegment(job: EntropyJob): Uint8Array {
  const { components } = job.source.frame;
  const payload = [components.length];
  for (const [i, { id }] of components.entries()) {
    const { dc, ac } = tablesOf(job, i);
    payload.push(id, dc * 16 + ac - 4);
  }
  return segment(0xda, [...payload, 0, 63, 0]);
}
