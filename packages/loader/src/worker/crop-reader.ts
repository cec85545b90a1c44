import { assembleJpegCrop, JpegCrop, JpegSegments, planJpegCrop, type JpegBox } from "@millrace/formats/shard";
import type { Geometry } from "../transforms/geometry.js";
import { GrowingBuffer } from "./growing-buffer.js";
import type { Lane } from "./lane.js";
import type { ShardTable } from "./shard-table.js";

/** Header and rows that lie closer than this are read in one go, with what is between. */
const NEAR_BYTES = 16_384;

/** Where a transform wants its pixels from, for a source of that size. */
export type Place = (lane: Lane, columns: number, rows: number) => Geometry;

/**
 * Reads of a seekable JPEG only the header and the rows that a crop touches, and makes a small JPEG of them, whose
 * pixels are those of the whole one. For one thread and one sample at a time.
 */
export class CropReader {
  readonly #segments = new JpegSegments();
  readonly #crop = new JpegCrop();
  readonly #parts = new GrowingBuffer();
  readonly #small = new GrowingBuffer();
  readonly #box: { -readonly [K in keyof JpegBox]: number } = { left: 0, top: 0, width: 0, height: 0 };
  /** Where header and rows lie in the parts. */
  #dataAt = 0;
  #geometry: Geometry | undefined;

  constructor(
    readonly table: ShardTable,
    /** Number of the field. */
    readonly field: number,
    readonly place: Place,
  ) {}

  /**
   * Reads what the sample's crop needs.
   * @returns false if the image is not seekable; nothing was read then.
   * @throws {@link CorruptShardError} if its index or the file is damaged; {@link SampleError} if a transform refuses.
   */
  fetch(lane: Lane): boolean {
    const { table, field } = this;
    const { shard, row } = lane;
    const segments = this.#segments;
    if (table.segments(shard, field)?.read(row, segments) !== true) return false;
    this.#geometry = this.place(lane, segments.width, segments.height);
    const { x, y, width, height } = this.#geometry;
    const box = this.#box;
    // With a margin the place sticks out, or lies outside altogether: then the nearest pixel is read, for its edge.
    box.left = within(Math.floor(x), segments.width - 1);
    box.top = within(Math.floor(y), segments.height - 1);
    box.width = Math.max(1, within(Math.ceil(x + width), segments.width) - box.left);
    box.height = Math.max(1, within(Math.ceil(y + height), segments.height) - box.top);
    const crop = this.#crop;
    planJpegCrop(segments, box, table.byteLength(shard, field, row) as number, crop);
    const { headerStart, headerEnd, dataStart, dataEnd } = crop;
    const isNear = dataStart - headerEnd < NEAR_BYTES;
    this.#dataAt = isNear ? dataStart - headerStart : headerEnd - headerStart;
    const parts = this.#parts.ensure(this.#dataAt + dataEnd - dataStart);
    table.readPart(shard, field, row, headerStart, (isNear ? dataEnd : headerEnd) - headerStart, parts, 0);
    if (!isNear) table.readPart(shard, field, row, dataStart, dataEnd - dataStart, parts, this.#dataAt);
    return true;
  }

  /**
   * The small JPEG of what was read last; it is valid until the next. The geometry that was placed for it then shows the
   * same pixels of it.
   * @throws {@link CorruptShardError} if the file does not hold what its index says.
   */
  assemble(): Uint8Array {
    const crop = this.#crop;
    const small = this.#small.ensure(crop.byteLength);
    const parts = this.#parts.ensure(0);
    const byteLength = assembleJpegCrop(this.#segments, crop, parts, 0, this.#dataAt, small, 0);
    const geometry = this.#geometry as Geometry;
    geometry.x += crop.left - this.#box.left;
    geometry.y += crop.top - this.#box.top;
    return small.subarray(0, byteLength);
  }
}

function within(edge: number, highest: number): number {
  return Math.min(highest, Math.max(0, edge));
}
