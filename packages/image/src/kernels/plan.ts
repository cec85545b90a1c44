import { dtypeBytes, OptionError } from "@millrace/formats/shard";
import { checkJob, isCopy, MAX_SIDE, type MemoryRange, type ResampleJob } from "./job.js";
import type { KernelMemory } from "./memory.js";
import { aligned, tableBytes, WeightCache } from "./weight-cache.js";
import { weightStride } from "./weights.js";

/** A weight table in the scratch region: byte offsets in the memory. */
export interface PlacedTable {
  startsAt: number;
  countsAt: number;
  weightsAt: number;
  /** Entries of the weights for each output. */
  stride: number;
}

/** A checked job, with its tables written to the scratch region. Offsets are bytes in the memory. */
export interface ResamplePlan {
  /** Offset of the first sample of the box's first row, the box widened to whole samples and cut at the source. */
  sourceAt: number;
  /** Bytes from one source row to the next. */
  sourceStride: number;
  /** Bytes of one row of the box, widened to whole samples. */
  rowBytes: number;
  /** Box and result have the same size: rows are copied or converted, and there are no tables. */
  copy: boolean;
  /** Bytes of one element of the output. */
  element: number;
  flip: boolean;
  flipVertical: boolean;
  planar: boolean;
  /** Offset of eight float32: `scale` for four channels, then `shift` for four channels. */
  factorsAt: number;
  readonly columns: PlacedTable;
  readonly rows: PlacedTable;
  /** Most source samples of any output column. */
  columnTaps: number;
  /** Offset of one row of int16, `rowBytes` long and with room behind it for reads of zero weight. */
  lineAt: number;
  /** Offset of one output row before it gets its final form: float32 or uint8, `[width, channels]`. */
  rowAt: number;
  /** Whether the box sticks out of the source: the rows to copy are put together in the scratch region. */
  padded: boolean;
  /** Offset of one row of filled pixels; the next such row is where rows are put together. */
  fillAt: number;
  /** Columns to fill at the left, rows to fill at the top. */
  fillLeft: number;
  fillTop: number;
  /** Columns and rows that come from the source. */
  innerWidth: number;
  innerHeight: number;
}

/** The sizes that decide how much scratch a job needs. */
export interface ScratchSize {
  /** Channels, and the largest columns and rows, of the sources. */
  readonly source: { readonly width: number; readonly height: number; readonly channels: 1 | 3 };
  /** Columns and rows of the results. */
  readonly output: { readonly width: number; readonly height: number };
}

/** The tables of this thread: new scratch, as for a larger image, does not make them anew. */
const CACHE = new WeightCache();

/** At the beginning of the scratch region: the factors, then room for a block of 16 pixels. */
const HEAD_BYTES = 32 + 96;

/** Bytes of the int16 row: the box's samples, then room for one output's zero weights and a 16-byte read. */
function lineBytes(rowBytes: number, stride: number, channels: number): number {
  return aligned(rowBytes * 2 + (stride * channels + 16) * 2);
}

/** Bytes of one output row of float32, or of two of uint8. */
function rowBytesOf(width: number, channels: number): number {
  return aligned(width * channels * 4 + 16);
}

/**
 * Bytes of scratch that are enough for every box of sources up to that size.
 * @throws {@link OptionError} for sides that no job may have.
 */
export function scratchBytes(size: ScratchSize): number {
  const { source, output } = size;
  for (const side of [source.width, source.height, output.width, output.height]) {
    if (!Number.isInteger(side) || side < 1 || side > MAX_SIDE)
      throw new OptionError({
        option: "size",
        problem: "has an impossible side",
        expected: `integers from 1 to ${MAX_SIDE}`,
        found: String(side),
      });
  }
  return (
    16 +
    HEAD_BYTES +
    rowBytesOf(output.width, source.channels) +
    tableBytes(source.width, output.width) +
    tableBytes(source.height, output.height) +
    lineBytes(source.width * source.channels, weightStride(source.width, output.width), source.channels)
  );
}

function createTable(): PlacedTable {
  return { startsAt: 0, countsAt: 0, weightsAt: 0, stride: 0 };
}

function createPlan(): ResamplePlan {
  return {
    sourceAt: 0,
    sourceStride: 0,
    rowBytes: 0,
    copy: false,
    element: 1,
    flip: false,
    flipVertical: false,
    planar: false,
    factorsAt: 0,
    columns: createTable(),
    rows: createTable(),
    columnTaps: 0,
    lineAt: 0,
    rowAt: 0,
    padded: false,
    fillAt: 0,
    fillLeft: 0,
    fillTop: 0,
    innerWidth: 0,
    innerHeight: 0,
  };
}

/** Plans the jobs of one thread: the same plan, filled in anew for each job, so that a job allocates next to nothing. */
export class JobPlanner {
  readonly #memory: KernelMemory;
  readonly #scratch: MemoryRange;
  readonly #plan = createPlan();
  readonly #headAt: number;
  #bytes: Uint8Array;
  #factors: Float32Array;

  constructor(memory: KernelMemory, scratch: MemoryRange) {
    this.#memory = memory;
    this.#scratch = scratch;
    this.#headAt = aligned(scratch.offset);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#factors = this.#viewFactors();
  }

  /** The whole memory. It is viewed again only if it has grown. */
  get bytes(): Uint8Array {
    if (this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#factors = this.#viewFactors();
    }
    return this.#bytes;
  }

  get scratch(): MemoryRange {
    return this.#scratch;
  }

  #viewFactors(): Float32Array {
    const { buffer } = this.#memory;
    const fits =
      this.#headAt + HEAD_BYTES <= Math.min(buffer.byteLength, this.#scratch.offset + this.#scratch.byteLength);
    return fits ? new Float32Array(buffer, this.#headAt, HEAD_BYTES / 4) : new Float32Array(HEAD_BYTES / 4);
  }

  /** Offset of eight float32 and 96 bytes behind them, in the scratch region. */
  get headAt(): number {
    this.#checkScratch(this.#headAt + HEAD_BYTES);
    return this.#headAt;
  }

  /** The float32 at {@link headAt}. */
  get factors(): Float32Array {
    return this.#factors;
  }

  /**
   * Checks a job and writes its factors and weight tables to the scratch region. The plan is valid until the next one.
   * @throws {@link OptionError} if the job is impossible or the scratch region too small.
   */
  plan(job: ResampleJob): ResamplePlan {
    const bytes = this.bytes;
    checkJob(job, bytes.byteLength, this.#scratch);
    const plan = this.#plan;
    const { source, box, output } = job;
    plan.flip = job.flip ?? false;
    plan.flipVertical = job.flipVertical ?? false;
    plan.planar = job.layout === "nchw" && source.channels === 3;
    plan.element = dtypeBytes(output.dtype);
    plan.sourceStride = source.width * source.channels;
    plan.copy = isCopy(box, output);
    plan.factorsAt = this.#headAt;
    plan.rowAt = this.#headAt + HEAD_BYTES;
    plan.padded = false;
    const tablesAt = plan.rowAt + rowBytesOf(output.width, source.channels);
    if (plan.copy) this.#planCopy(job, plan);
    else this.#planTables(job, plan, tablesAt);
    this.#writeFactors(job);
    return plan;
  }

  #planCopy({ source, box, output, fill }: ResampleJob, plan: ResamplePlan): void {
    const { channels } = source;
    plan.padded =
      box.x < 0 || box.y < 0 || box.x + output.width > source.width || box.y + output.height > source.height;
    this.#checkScratch(plan.padded ? plan.rowAt + rowBytesOf(output.width, channels) : plan.rowAt);
    const left = Math.min(Math.max(box.x, 0), source.width);
    const top = Math.min(Math.max(box.y, 0), source.height);
    plan.sourceAt = source.offset + (top * source.width + left) * channels;
    plan.rowBytes = output.width * channels;
    if (!plan.padded || fill === undefined) return;
    plan.innerWidth = Math.max(0, Math.min(box.x + output.width, source.width) - left);
    plan.innerHeight = Math.max(0, Math.min(box.y + output.height, source.height) - top);
    plan.fillLeft = plan.innerWidth === 0 ? 0 : left - box.x;
    plan.fillTop = plan.innerHeight === 0 ? 0 : top - box.y;
    plan.fillAt = plan.rowAt;
    const bytes = this.bytes;
    for (let i = 0, at = plan.fillAt; i < 2 * output.width; i++)
      for (let c = 0; c < channels; c++) bytes[at++] = fill[c] as number;
  }

  #planTables({ source, box, output }: ResampleJob, plan: ResamplePlan, tablesAt: number): void {
    const { channels } = source;
    const left = Math.floor(box.x);
    const right = Math.max(left + 1, Math.ceil(box.x + box.width));
    plan.rowBytes = (right - left) * channels;
    plan.sourceAt = source.offset + (Math.floor(box.y) * source.width + left) * channels;
    const rowsAt = tablesAt + tableBytes(box.width, output.width);
    plan.lineAt = rowsAt + tableBytes(box.height, output.height);
    this.#checkScratch(plan.lineAt + lineBytes(plan.rowBytes, weightStride(box.width, output.width), channels));
    const columns = { from: box.x, length: box.width, outputs: output.width, mirrored: plan.flip };
    plan.columnTaps = this.#placeTable(plan.columns, columns, 2 * channels, tablesAt);
    const rows = { from: box.y, length: box.height, outputs: output.height, mirrored: false };
    this.#placeTable(plan.rows, rows, 1, rowsAt);
  }

  #placeTable(table: PlacedTable, axis: Parameters<WeightCache["get"]>[0], unit: number, at: number): number {
    const block = CACHE.get(axis, unit);
    this.#bytes.set(block.bytes, at);
    table.startsAt = at;
    table.countsAt = at + block.countsAt;
    table.weightsAt = at + block.weightsAt;
    table.stride = block.stride;
    return block.most;
  }

  #writeFactors(job: ResampleJob): void {
    for (let c = 0; c < 4; c++) {
      const channel = job.source.channels === 1 ? 0 : c;
      this.#factors[c] = job.scale === undefined ? 1 : (job.scale[channel] ?? 0);
      this.#factors[4 + c] = job.shift?.[channel] ?? 0;
    }
  }

  #checkScratch(end: number): void {
    const { offset, byteLength } = this.#scratch;
    if (end <= offset + byteLength) return;
    throw new OptionError({
      option: "scratch",
      problem: "is too small for the job",
      expected: `at least ${end - offset} bytes`,
      found: String(byteLength),
      fix: "size it with scratchBytes() for the largest source",
    });
  }
}
