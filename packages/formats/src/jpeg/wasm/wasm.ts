import { tablesOf, type EntropyCoder, type EntropyData, type EntropyJob, type TableSet } from "../entropy-coder.js";
import type { HuffmanTable } from "../huffman-table.js";
import { refuse } from "../refusal.js";
import type { JpegScan } from "../scan.js";
import { newTranscoder } from "./memory.js";
import { encodedBound, Workspace, type LookupKind } from "./workspace.js";

/** A larger memory is given back after the image that needed it. */
const KEEP_BYTES = 2 ** 26;
/** What the kernels return; 1: corrupt. */
const [DONE, NO_MEMORY] = [0, 2];

let coder: EntropyCoder | undefined;
let isTried = false;

/** The coder in WebAssembly of this thread, or `undefined` where the machine has no WebAssembly SIMD. */
export function wasmCoder(): EntropyCoder | undefined {
  if (isTried) return coder;
  isTried = true;
  const wasm = newTranscoder();
  if (wasm !== undefined) coder = new WasmCoder(new Workspace(wasm));
  return coder;
}

class WasmCoder implements EntropyCoder {
  readonly name = "wasm";
  #workspace: Workspace;
  /** Where the lengths of the output segments stand, and the tokens. */
  #lengths = 0;
  #tokens = 0;
  #histogram: Uint32Array = new Uint32Array(0);

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  decode(job: EntropyJob): Uint32Array | undefined {
    const space = this.#begin();
    const source = space.place(job.source.bytes);
    this.#lengths = space.room(4 * job.segments);
    const isDone = job.direct ? this.#decodeDirect(job, source) : this.#decodeScans(job, source);
    if (!isDone) {
      this.#end();
      return undefined;
    }
    this.#histogram = space.histogram();
    return this.#histogram;
  }

  encode(job: EntropyJob, tables: TableSet): EntropyData {
    const space = this.#workspace;
    const { wasm } = space;
    for (const [slot, table] of tables.entries()) if (table !== undefined) space.codes(slot, table);
    const to = Math.ceil((wasm.tokensEnd() >>> 0) / 64) * 64;
    space.reserve(to + encodedBound(this.#histogram, tables, job.segments));
    const end = wasm.encode(this.#tokens, this.#lengths, job.segments, to) >>> 0;
    return this.#take(job, to, end);
  }

  rewrite(job: EntropyJob, tables: TableSet): EntropyData | undefined {
    const space = this.#begin();
    const source = space.place(job.source.bytes);
    this.#lengths = space.room(4 * job.segments);
    const scan = job.source.scans[0] as JpegScan;
    const segments = space.segments(scan, source);
    const blocks = this.#mcuBlocks(job, scan, "pairs");
    for (const [slot, table] of tables.entries()) if (table !== undefined && slot < 4) space.codes(slot, table);
    // A zero behind each 0xff; a DC value written anew of each component, padding and a marker a segment.
    const bound = 2 * job.source.bytes.length + 40 * (job.segments + segments.count);
    const to = space.room(bound);
    const result = space.wasm.rewrite(
      segments.at,
      segments.count,
      scan.mcus,
      scan.interval === 0 ? scan.mcus : scan.interval,
      job.interval,
      blocks,
      segments.top,
      this.#lengths,
      job.segments,
      to,
    );
    if (result === DONE) {
      const bytes = space.words(this.#lengths, job.segments).reduce((sum, length) => sum + length, 0);
      return this.#take(job, to, to + bytes);
    }
    this.#end();
    return undefined;
  }

  #begin(): Workspace {
    this.#workspace.clear();
    return this.#workspace;
  }

  /** The result; its data stays where it is. */
  #take(job: EntropyJob, from: number, to: number): EntropyData {
    const data = this.#workspace.bytes(from, to - from);
    const lengths = this.#workspace.words(this.#lengths, job.segments).slice();
    this.#end();
    return { data, lengths };
  }

  #end(): void {
    if (this.#workspace.byteLength <= KEEP_BYTES) return;
    const wasm = newTranscoder();
    if (wasm !== undefined) this.#workspace = new Workspace(wasm);
  }

  /** Sets the blocks of an MCU of the one scan, and the lookups of its tables. Returns their count. */
  #mcuBlocks(job: EntropyJob, scan: JpegScan, kind: LookupKind): number {
    const values: number[] = [];
    for (const { index, dc, ac, dcTable, acTable } of scan.components) {
      // The check of the scans has found both.
      this.#workspace.lookup(dc, dcTable as HuffmanTable, "sequential");
      this.#workspace.lookup(4 + ac, acTable as HuffmanTable, kind);
      const { h, v } = job.source.frame.components[index] as { h: number; v: number };
      for (let i = 0; i < h * v; i++) values.push(index, dc, 4 + ac, 0);
    }
    this.#workspace.blocks(values);
    return values.length / 4;
  }

  #decodeDirect(job: EntropyJob, source: number): boolean {
    const space = this.#workspace;
    const scan = job.source.scans[0] as JpegScan;
    const segments = space.segments(scan, source);
    const blocks = this.#mcuBlocks(job, scan, "sequential");
    this.#tokens = space.next;
    return this.#isDone(
      space.wasm.decodeDirect(
        segments.at,
        segments.count,
        scan.mcus,
        scan.interval === 0 ? scan.mcus : scan.interval,
        job.interval,
        blocks,
        segments.top,
        this.#lengths,
        this.#tokens,
      ),
    );
  }

  #decodeScans(job: EntropyJob, source: number): boolean {
    const space = this.#workspace;
    const { frame, scans } = job.source;
    for (const [i, { h, v, blocksWide, blocksHigh }] of frame.components.entries()) {
      const stride = frame.mcusPerRow * h;
      const bytes = 128 * stride * frame.mcuRows * v;
      const at = space.room(bytes);
      space.bytes(at, bytes).fill(0);
      const { dc, ac } = tablesOf(job, i);
      space.plane(i, [at, stride, blocksWide, blocksHigh, h, v, dc, ac]);
    }
    const shared = space.next;
    for (const scan of scans) {
      space.moveTo(shared);
      if (!this.#decodeScan(job, scan, source)) return false;
    }
    space.moveTo(shared);
    this.#tokens = shared;
    const { components, mcusPerRow, mcuRows } = frame;
    return this.#isDone(
      space.wasm.tokensOf(components.length, mcusPerRow, mcuRows, job.interval, this.#lengths, this.#tokens),
    );
  }

  #decodeScan(job: EntropyJob, scan: JpegScan, source: number): boolean {
    const space = this.#workspace;
    const { frame } = job.source;
    const { first, last, low } = scan;
    const acKind = frame.progressive ? "progressive" : "sequential";
    for (const { dc, ac, dcTable, acTable } of scan.components) {
      if (first === 0 && dcTable !== undefined) space.lookup(dc, dcTable, "sequential");
      if (last > 0 && acTable !== undefined) space.lookup(4 + ac, acTable, acKind);
    }
    space.blocks(scan.components.flatMap(({ index, dc, ac }) => [index, dc, 4 + ac, 0]));
    const { at, count, top } = space.segments(scan, source);
    const perSegment = scan.interval === 0 ? scan.mcus : scan.interval;
    const { components, mcus } = scan;
    const kind = kindOf(scan, frame.progressive);
    return this.#isDone(
      space.wasm.decodeScan(
        at,
        count,
        mcus,
        perSegment,
        frame.mcusPerRow,
        components.length,
        top,
        kind,
        first,
        last,
        low,
      ),
    );
  }

  #isDone(result: number): boolean {
    if (result === NO_MEMORY) {
      this.#end();
      refuse("too-large", "needs more memory than there is");
    }
    return result === DONE;
  }
}

/** Numbers of kernels/coefficients.ts. */
function kindOf({ first, high }: JpegScan, progressive: boolean): number {
  if (!progressive) return 0;
  return (first === 0 ? 1 : 3) + (high === 0 ? 0 : 1);
}
