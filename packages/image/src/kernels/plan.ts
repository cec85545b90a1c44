import { OptionError } from "@millrace/formats";
import { checkJob, MAX_SIDE, type MemoryRange, type ResampleJob } from "./job.js";
import { weightStride, writeWeights, type WeightTable } from "./weights.js";

/** A weight table in the scratch region, and where it lies there, as byte offsets in the memory. */
export interface PlacedTable extends WeightTable {
  readonly startsAt: number;
  readonly countsAt: number;
  readonly weightsAt: number;
}

/** A checked job, with its tables written to the scratch region. Offsets are bytes in the memory. */
export interface ResamplePlan {
  /** Offset of the first sample of the box's first row, the box widened to whole samples. */
  readonly sourceAt: number;
  /** Bytes from one source row to the next. */
  readonly sourceStride: number;
  /** Bytes of one row of the box, widened to whole samples. */
  readonly rowBytes: number;
  /** Box and result have the same size: rows are copied or converted, and there are no tables. */
  readonly copy: boolean;
  readonly flip: boolean;
  readonly float: boolean;
  /** Offset of eight float32: `scale` for four channels, then `shift` for four channels. */
  readonly factorsAt: number;
  readonly factors: Float32Array;
  readonly columns: PlacedTable;
  readonly rows: PlacedTable;
  /** Most source samples of any output column. */
  readonly columnTaps: number;
  /** Offset of one row of int16, `rowBytes` long and with room behind it for reads of zero weight. */
  readonly lineAt: number;
}

/** The sizes that decide how much scratch a job needs. */
export interface ScratchSize {
  /** Channels, and the largest columns and rows, of the sources. */
  readonly source: { readonly width: number; readonly height: number; readonly channels: 1 | 3 };
  /** Columns and rows of the results. */
  readonly output: { readonly width: number; readonly height: number };
}

const FACTOR_BYTES = 32;

const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

function tableBytes(length: number, outputs: number): number {
  return 2 * aligned(outputs * 4) + aligned(outputs * weightStride(length, outputs) * 2);
}

/** Bytes of the int16 row: the box's samples, then room for one output's zero weights and a 16-byte read. */
function lineBytes(rowBytes: number, stride: number, channels: number): number {
  return aligned(rowBytes * 2 + (stride * channels + 16) * 2);
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
    FACTOR_BYTES +
    tableBytes(source.width, output.width) +
    tableBytes(source.height, output.height) +
    lineBytes(source.width * source.channels, weightStride(source.width, output.width), source.channels)
  );
}

function placeTable(buffer: ArrayBufferLike, at: number, length: number, outputs: number, unit: number): PlacedTable {
  const stride = weightStride(length, outputs);
  const countsAt = at + aligned(outputs * 4);
  const weightsAt = countsAt + aligned(outputs * 4);
  return {
    startsAt: at,
    countsAt,
    weightsAt,
    starts: new Uint32Array(buffer, at, outputs),
    counts: new Int32Array(buffer, countsAt, outputs),
    weights: new Int16Array(buffer, weightsAt, outputs * stride),
    stride,
    unit,
  };
}

function writeFactors(factors: Float32Array, job: ResampleJob): void {
  for (let c = 0; c < 4; c++) {
    const channel = job.source.channels === 1 ? 0 : c;
    factors[c] = job.scale === undefined ? 1 : (job.scale[channel] ?? 0);
    factors[4 + c] = job.shift?.[channel] ?? 0;
  }
}

/**
 * Checks a job and writes its factors and weight tables to the scratch region.
 * @throws {@link OptionError} if the job is impossible or the scratch region too small.
 */
export function planJob(job: ResampleJob, buffer: ArrayBufferLike, scratch: MemoryRange): ResamplePlan {
  checkJob(job, buffer.byteLength, scratch);
  const { source, box, output } = job;
  const flip = job.flip ?? false;
  const left = Math.floor(box.x);
  const top = Math.floor(box.y);
  const right = Math.max(left + 1, Math.ceil(box.x + box.width));
  const copy = left === box.x && top === box.y && box.width === output.width && box.height === output.height;

  const factorsAt = aligned(scratch.offset);
  const columnsAt = factorsAt + FACTOR_BYTES;
  const rowsAt = columnsAt + tableBytes(box.width, output.width);
  const lineAt = rowsAt + tableBytes(box.height, output.height);
  const rowBytes = (right - left) * source.channels;
  const end = copy ? columnsAt : lineAt + lineBytes(rowBytes, weightStride(box.width, output.width), source.channels);
  if (end > scratch.offset + scratch.byteLength) {
    throw new OptionError({
      option: "scratch",
      problem: "is too small for the job",
      expected: `at least ${end - scratch.offset} bytes`,
      found: String(scratch.byteLength),
      fix: "size it with scratchBytes() for the largest source",
    });
  }
  const sourceStride = source.width * source.channels;
  const factors = new Float32Array(buffer, factorsAt, 8);
  writeFactors(factors, job);
  const columns = placeTable(buffer, columnsAt, box.width, copy ? 0 : output.width, 2 * source.channels);
  const rows = placeTable(buffer, rowsAt, box.height, copy ? 0 : output.height, sourceStride);
  const columnTaps = copy
    ? 0
    : writeWeights({ from: box.x, length: box.width, outputs: output.width, mirrored: flip }, columns);
  if (!copy) writeWeights({ from: box.y, length: box.height, outputs: output.height, mirrored: false }, rows);
  return {
    sourceAt: source.offset + top * sourceStride + left * source.channels,
    sourceStride,
    rowBytes,
    copy,
    flip,
    float: output.dtype === "float32",
    factorsAt,
    factors,
    columns,
    rows,
    columnTaps,
    lineAt,
  };
}
