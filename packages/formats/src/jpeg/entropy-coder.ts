import type { HuffmanTable } from "./huffman-table.js";
import type { JpegSource } from "./source.js";

/** What is to be done with the entropy-coded data of a JPEG. */
export interface EntropyJob {
  readonly source: JpegSource;
  /** MCUs of an output segment; divides the MCUs of a row. */
  readonly interval: number;
  /** Output segments. */
  readonly segments: number;
  /**
   * True for a sequential file of one scan: its symbols are those of the output, but for the DC values after a restart.
   * False: all scans are decoded to coefficients first.
   */
  readonly direct: boolean;
}

/** Entropy-coded data with restart markers. */
export interface EntropyData {
  /** The data of the scan; ends with EOI. It lies in the memory of the coder, until its next call. */
  readonly data: Uint8Array;
  /** Bytes of each segment, with the marker that follows it. */
  readonly lengths: Uint32Array;
}

/** Numbers of tables: the DC tables 0 to 3, then the AC tables 0 to 3. */
export const TABLES = 8;

/** Tables by their number; `undefined` for those that are not used. */
export type TableSet = readonly (HuffmanTable | undefined)[];

/**
 * Decodes and encodes the data of a JPEG. There are two, in WebAssembly and in TypeScript, with the same results to the
 * byte. Calls on one coder must not overlap.
 */
export interface EntropyCoder {
  readonly name: "wasm" | "plain";
  /**
   * Decodes all scans and keeps their symbols for {@link encode}.
   * @returns how often each symbol of each table occurs, [8 tables, 256]; `undefined` if the data is corrupt.
   */
  decode(job: EntropyJob): Uint32Array | undefined;
  /** Encodes what was decoded last by tables that have a code for each of its symbols. */
  encode(job: EntropyJob, tables: TableSet): EntropyData;
  /**
   * Both steps at once for a direct job, by the source's own tables (their DC tables completed).
   * @returns `undefined` if the data is corrupt.
   */
  rewrite(job: EntropyJob, tables: TableSet): EntropyData | undefined;
}

/** Numbers of the tables by which a component is coded in the output of a job. */
export function tablesOf(job: EntropyJob, component: number): { readonly dc: number; readonly ac: number } {
  if (job.direct) {
    const part = job.source.scans[0]?.components[component];
    if (part !== undefined) return { dc: part.dc, ac: 4 + part.ac };
  }
  const number = component === 0 ? 0 : 1;
  return { dc: number, ac: 4 + number };
}
