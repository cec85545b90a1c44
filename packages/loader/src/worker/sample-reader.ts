import { CorruptShardError, tensorBytes } from "@millrace/formats/shard";
import type { FieldPlan } from "../fields.js";
import type { Activity } from "../ring/activity.js";
import { CheckedBits } from "../ring/checked-bits.js";
import { cellAt } from "../ring/layout.js";
import type { SharedMemory } from "../ring/shared-memory.js";
import type { CropReader, Place } from "./crop-reader.js";
import { GrowingBuffer } from "./growing-buffer.js";
import type { Lane } from "./lane.js";
import { MergedReads } from "./merged-reads.js";
import { shardAt } from "./packed-shards.js";
import { PrivateRegion, REGION } from "./private-region.js";
import type { PipelineSetup } from "./protocol.js";
import { RawReader, SHAPE_BYTES, type PixelRoom } from "./raw-reader.js";
import type { ShardTable } from "./shard-table.js";

/**
 * Reads samples from their shards into the shared memory, and checks their checksums. Values that are taken as they are
 * go straight to their cells; an image that is to be decoded or transformed goes to a private region.
 */
export class SampleReader implements PixelRoom {
  readonly #checked: CheckedBits;
  readonly #pixels: PrivateRegion;
  /** Encoded bytes, for each place in a run. They are in memory of the thread's own, where JavaScript is faster. */
  readonly #encoded: readonly GrowingBuffer[];
  readonly #rawReader: RawReader | undefined;
  readonly #merged: MergedReads;
  /** The whole memory; made anew when it has grown. */
  #bytes: Uint8Array;

  constructor(
    readonly setup: PipelineSetup,
    readonly table: ShardTable,
    /** The one of the ring's memories that it reads into. */
    readonly memory: SharedMemory,
    /** The worker's block of that memory. */
    activity: Activity,
    readonly cropReader: CropReader | undefined,
    /** Where the transforms want their pixels from; `undefined` where no field holds images. */
    place: Place | undefined,
  ) {
    this.#checked = new CheckedBits(setup.checked);
    this.#pixels = new PrivateRegion(memory, activity, REGION.pixels);
    const isEncoded = setup.fields.some((plan) => plan.route === "image" && plan.field.kind === "bytes");
    this.#encoded = Array.from({ length: isEncoded ? setup.runLength : 0 }, () => new GrowingBuffer());
    this.#bytes = new Uint8Array(memory.buffer);
    this.#merged = new MergedReads(table, setup.fields.length);
    const raw = setup.fields.findIndex(({ route, field }) => route === "image" && field.kind !== "bytes");
    const plan = setup.fields[raw];
    if (plan !== undefined && place !== undefined)
      this.#rawReader = new RawReader(table, raw, plan, place, this, this.#merged);
  }

  /** The whole memory, as it was when room was last reserved. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Begins a run: the first `count` lanes, whose samples are then fetched in this order. */
  begin(lanes: readonly Lane[], count: number): void {
    this.#merged.begin(lanes, count);
  }

  /**
   * Reads all fields of a sample of the run.
   * @throws {@link CorruptShardError} or {@link FileError} if its shard cannot be opened or read.
   */
  fetch(lane: Lane): void {
    const { fields, layout } = this.setup;
    lane.isCropped = false;
    for (let number = 0; number < fields.length; number++) {
      const plan = fields[number] as FieldPlan;
      if (plan.route === "image") {
        if (plan.field.kind === "bytes") this.#fetchEncoded(lane, number);
        else this.#rawReader?.fetch(lane, this.#mustCheck(lane));
        continue;
      }
      const at = cellAt(layout, lane.slot, number, lane.cell);
      const byteLength = this.#readValue(lane, number, plan, at);
      if (plan.route === "text") this.#bytes.fill(0, at + byteLength, at + plan.cellBytes);
    }
  }

  /** @returns the value's bytes. */
  #readValue(lane: Lane, number: number, plan: FieldPlan, at: number): number {
    const { table } = this;
    const known = table.byteLength(lane.shard, number, lane.row);
    const value = known === undefined ? table.readValue(lane.shard, number, lane.row) : undefined;
    const byteLength = known ?? (value as Uint8Array).length;
    lane.byteLengths[number] = byteLength;
    this.#checkLength(lane, plan, byteLength);
    if (value !== undefined) this.#bytes.set(value, at);
    else if (plan.field.kind === "tensor" && this.#isInPlace(lane, number, byteLength, at))
      table.countBytes(byteLength);
    else table.readInto(lane.shard, number, lane.row, this.#bytes, at);
    return byteLength;
  }

  /**
   * True if a tensor lies in its cell already; else it is read now, and those of the samples that follow are with it, to
   * their own cells, if they lie right behind it in the file as well.
   */
  #isInPlace(lane: Lane, number: number, byteLength: number, at: number): boolean {
    const merged = this.#merged;
    if (merged.find(lane, number) === at) return true;
    const values = merged.plan(lane, number, byteLength);
    return values > 1 && merged.read(lane, number, values, byteLength, this.#bytes, at);
  }

  #fetchEncoded(lane: Lane, number: number): void {
    const { table } = this;
    if (this.cropReader !== undefined && !this.#mustCheck(lane) && this.cropReader.fetch(lane)) {
      lane.isCropped = true;
      return;
    }
    const known = table.byteLength(lane.shard, number, lane.row);
    if (known === undefined) {
      lane.encoded = table.readValue(lane.shard, number, lane.row);
    } else {
      const room = (this.#encoded[lane.place] as GrowingBuffer).ensure(known);
      table.readInto(lane.shard, number, lane.row, room, 0);
      lane.encoded = room.subarray(0, known);
    }
  }

  /** Nothing is written past the end of a cell, whatever the file says. */
  #checkLength(lane: Lane, plan: FieldPlan, byteLength: number): void {
    const { field, cellBytes } = plan;
    const isTensor = field.kind === "tensor";
    if (isTensor ? byteLength === tensorBytes(field) : byteLength <= cellBytes) return;
    throw new CorruptShardError({
      file: shardAt(this.setup.shards, lane.shard).path,
      sample: lane.row,
      field: field.name,
      problem: "the value has another size than it should",
      expected: isTensor ? `${tensorBytes(field)} bytes` : `at most ${cellBytes} bytes`,
      found: `${byteLength}`,
      fix: "run millrace verify",
    });
  }

  /** Room for decoded or raw pixels in the worker's region for them; what was there may be lost. Returns its offset. */
  reservePixels(byteLength: number): number {
    const at = this.#pixels.ensure(byteLength);
    if (at + byteLength > this.#bytes.length) this.#bytes = new Uint8Array(this.memory.buffer);
    return at;
  }

  /** Whether the sample's checksums are still to be checked, which takes all of its bytes. */
  #mustCheck(lane: Lane): boolean {
    const { checksums } = this.setup;
    return checksums === "always" || (checksums === "first" && !this.#checked.has(lane.sample));
  }

  /**
   * Checks what {@link SampleReader.fetch} read against its checksums, if the policy asks for it.
   * @throws {@link CorruptShardError} naming the sample.
   */
  check(lane: Lane): void {
    const { fields, layout } = this.setup;
    if (!this.#mustCheck(lane)) return;
    for (let number = 0; number < fields.length; number++) {
      const plan = fields[number] as FieldPlan;
      const isImage = plan.route === "image";
      const at = isImage ? lane.imageAt : cellAt(layout, lane.slot, number, lane.cell);
      const encoded = isImage ? lane.encoded : undefined;
      const from = plan.field.kind === "ragged" ? at - SHAPE_BYTES : at;
      const bytes = encoded ?? this.#bytes.subarray(from, at + (lane.byteLengths[number] as number));
      this.table.check(lane.shard, number, lane.row, bytes);
    }
    this.#checked.add(lane.sample);
  }

  /** Copies decoded pixels to the worker's region for them and returns its offset. */
  placePixels(pixels: Uint8Array): number {
    const at = this.reservePixels(pixels.length);
    this.#bytes.set(pixels, at);
    return at;
  }

  /** The region for pixels as a decoder's target of `byteLength` bytes from `at` on. */
  pixelsAt(at: number, byteLength: number): Uint8Array {
    return this.#bytes.subarray(at, at + byteLength);
  }
}
