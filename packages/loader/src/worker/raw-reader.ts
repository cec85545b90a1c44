import { bytesOf, SampleError, type RaggedValue } from "@millrace/formats/shard";
import { DEFAULT_MAX_PIXELS, MAX_SIDE } from "@millrace/image";
import type { FieldPlan } from "../fields.js";
import type { Place } from "./crop-reader.js";
import type { Lane } from "./lane.js";
import type { MergedReads } from "./merged-reads.js";
import type { ShardTable } from "./shard-table.js";

/** Bytes of the shape that the checksum of a ragged image covers; it is put right before the pixels. */
export const SHAPE_BYTES = 24;
/** So much room is left for it, that the pixels begin at a round address. */
const HEAD_BYTES = 64;

/** The worker's own room for pixels. */
export interface PixelRoom {
  /** The whole memory, as it was when room was last reserved. */
  readonly bytes: Uint8Array;
  /** Makes room, whose content may be lost; returns its offset. */
  reservePixels(byteLength: number): number;
}

/**
 * Reads the pixels of images that are not encoded: tensors, and ragged fields, whose images differ in size. Where only
 * the rows of a crop are needed, no others are read. For one thread and one sample at a time.
 */
export class RawReader {
  constructor(
    readonly table: ShardTable,
    /** Number of the field. */
    readonly number: number,
    readonly plan: FieldPlan,
    readonly place: Place,
    readonly room: PixelRoom,
    readonly merged: MergedReads,
  ) {}

  /**
   * Reads the image of a sample into the room for pixels.
   * @param isWhole - All of it is needed, as for its checksum; a ragged image's shape is then put before it.
   * @throws {@link SampleError} if it is no image of three channels; {@link CorruptShardError} or {@link FileError}.
   */
  fetch(lane: Lane, isWhole: boolean): void {
    const { table, number, plan } = this;
    const { shard, row } = lane;
    const isRagged = plan.field.kind === "ragged";
    const value = table.isPlain(shard, number) ? undefined : table.readArray(shard, number, row);
    this.#measure(lane, value);
    const rowBytes = lane.imageWidth * (plan.image?.channels ?? 3);
    const byteLength = lane.imageHeight * rowBytes;
    lane.byteLengths[number] = byteLength;
    if (value === undefined && !isWhole) {
      this.#fetchRows(lane, rowBytes);
      return;
    }
    if (value === undefined && !isRagged) {
      lane.imageAt = this.#readTensor(lane, byteLength);
      return;
    }
    const head = isRagged ? HEAD_BYTES : 0;
    const { imageHeight: height, imageWidth: width } = lane;
    lane.imageAt = this.room.reservePixels(head + byteLength) + head;
    const { bytes } = this.room;
    // As the sidecar's checksum covers it: an int64 an extent.
    if (isRagged) bytes.set(bytesOf(BigInt64Array.of(BigInt(height), BigInt(width), 3n)), lane.imageAt - SHAPE_BYTES);
    if (value === undefined) table.readInto(shard, number, row, bytes, lane.imageAt);
    else bytes.set(value.data as Uint8Array, lane.imageAt);
  }

  /** Reads a whole tensor, and with it those of the samples that follow, if they lie right behind it. Returns its offset. */
  #readTensor(lane: Lane, byteLength: number): number {
    const { table, number, room, merged } = this;
    const known = merged.find(lane, number);
    const values = known === -1 ? merged.plan(lane, number, byteLength) : 1;
    const at = known === -1 ? room.reservePixels(values * byteLength) : known;
    if (known !== -1 || (values > 1 && merged.read(lane, number, values, byteLength, room.bytes, at)))
      table.countBytes(byteLength);
    else table.readInto(lane.shard, number, lane.row, room.bytes, at);
    return at;
  }

  /** Reads the rows that the sample's place touches, and moves it to the same pixels of them. */
  #fetchRows(lane: Lane, rowBytes: number): void {
    const geometry = this.place(lane, lane.imageWidth, lane.imageHeight);
    // With a margin the place sticks out, or lies outside altogether: then the nearest row is read, for its edge.
    const top = within(Math.floor(geometry.y), lane.imageHeight - 1);
    const end = Math.max(top + 1, within(Math.ceil(geometry.y + geometry.height), lane.imageHeight));
    lane.imageAt = this.#readRows(lane, top, end, rowBytes);
    lane.imageHeight = end - top;
    geometry.y -= top;
    lane.isCropped = true;
  }

  #readRows(lane: Lane, top: number, end: number, rowBytes: number): number {
    const { table, number, room, merged } = this;
    const isTensor = this.plan.field.kind === "tensor";
    if (isTensor && end - top === lane.imageHeight) return this.#readTensor(lane, lane.imageHeight * rowBytes);
    const byteLength = (end - top) * rowBytes;
    const known = merged.find(lane, number);
    if (known !== -1) {
      table.countBytes(byteLength);
      return known + top * rowBytes;
    }
    const at = room.reservePixels(byteLength);
    table.readPart(lane.shard, number, lane.row, top * rowBytes, byteLength, room.bytes, at);
    return at;
  }

  /** Finds height and width. */
  #measure(lane: Lane, value: RaggedValue | undefined): void {
    const { table, number, plan } = this;
    const { field } = plan;
    const { shard, row } = lane;
    const extentOf = (axis: number): number => {
      if (field.kind === "tensor") return field.shape[axis] as number;
      return value === undefined ? table.extentOf(shard, number, row, axis) : (value.shape[axis] as number);
    };
    const height = extentOf(0);
    const width = extentOf(1);
    lane.imageHeight = height;
    lane.imageWidth = width;
    if (field.kind === "tensor") return;
    const channels = extentOf(2);
    if (channels === 3 && isSide(height) && isSide(width) && height * width <= DEFAULT_MAX_PIXELS) return;
    throw new SampleError({
      field: field.name,
      problem: "the array is no image that can be transformed",
      expected: `[height, width, 3], sides of 1 to ${MAX_SIDE}, at most ${DEFAULT_MAX_PIXELS} pixels`,
      found: `[${height}, ${width}, ${channels}]`,
      fix: "leave the field out of the option fields, or convert the images again",
    });
  }
}

function isSide(side: number): boolean {
  return side >= 1 && side <= MAX_SIDE;
}

function within(edge: number, highest: number): number {
  return Math.min(highest, Math.max(0, edge));
}
