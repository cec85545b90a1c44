import { CorruptShardError, tensorBytes } from "@millrace/formats";
import type { FieldPlan } from "../fields.js";
import type { Activity } from "../ring/activity.js";
import { CheckedBits } from "../ring/checked-bits.js";
import { cellAt } from "../ring/layout.js";
import type { Lane } from "./lane.js";
import { PrivateRegion, REGION } from "./private-region.js";
import type { PipelineSetup } from "./protocol.js";
import type { ShardTable } from "./shard-table.js";

/**
 * Reads samples from their shards into the shared memory, and checks their checksums. Values that are taken as they are
 * go straight to their cells; an image that is to be decoded or transformed goes to a private region.
 */
export class SampleReader {
  readonly #checked: CheckedBits;
  readonly #pixels: PrivateRegion;
  readonly #encoded: readonly PrivateRegion[];
  /** The whole memory; made anew when it has grown. */
  #bytes: Uint8Array;

  constructor(
    readonly setup: PipelineSetup,
    readonly table: ShardTable,
    activity: Activity,
  ) {
    const { memory } = setup;
    this.#checked = new CheckedBits(setup.checked);
    this.#pixels = new PrivateRegion(memory, activity, REGION.pixels);
    const isEncoded = setup.fields.some((plan) => plan.route === "image" && plan.field.kind === "bytes");
    this.#encoded = Array.from(
      { length: isEncoded ? setup.runLength : 0 },
      (_, place) => new PrivateRegion(memory, activity, REGION.lanes + place),
    );
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /**
   * Reads all fields of a sample.
   * @throws {@link CorruptShardError} or {@link FileError} if its shard cannot be opened or read.
   */
  fetch(lane: Lane): void {
    const { fields, layout } = this.setup;
    for (let number = 0; number < fields.length; number++) {
      const plan = fields[number] as FieldPlan;
      const known = this.table.byteLength(lane.shard, number, lane.row);
      const value = known === undefined ? this.table.readValue(lane.shard, number, lane.row) : undefined;
      const byteLength = known ?? (value as Uint8Array).length;
      lane.byteLengths[number] = byteLength;
      this.#checkLength(lane, plan, byteLength);
      if (plan.route === "image" && plan.field.kind === "bytes" && value !== undefined) {
        lane.encoded = value;
        continue;
      }
      const at =
        plan.route === "image" ? this.#imageRoom(lane, plan, byteLength) : cellAt(layout, lane.slot, number, lane.cell);
      if (value !== undefined) this.#bytes.set(value, at);
      else this.table.readInto(lane.shard, number, lane.row, this.#bytes, at);
      if (plan.route === "text") this.#bytes.fill(0, at + byteLength, at + plan.cellBytes);
    }
  }

  /** Nothing is written past the end of a cell, whatever the file says. */
  #checkLength(lane: Lane, plan: FieldPlan, byteLength: number): void {
    const { field, route, cellBytes } = plan;
    const isTensor = field.kind === "tensor";
    if (isTensor ? byteLength === tensorBytes(field) : route === "image" || byteLength <= cellBytes) return;
    throw new CorruptShardError({
      file: this.setup.shards[lane.shard]?.path,
      sample: lane.row,
      field: field.name,
      problem: "the value has another size than it should",
      expected: isTensor ? `${tensorBytes(field)} bytes` : `at most ${cellBytes} bytes`,
      found: `${byteLength}`,
      fix: "run millrace verify",
    });
  }

  #imageRoom(lane: Lane, plan: FieldPlan, byteLength: number): number {
    const isEncoded = plan.field.kind === "bytes";
    const region = isEncoded ? (this.#encoded[lane.place] as PrivateRegion) : this.#pixels;
    lane.imageAt = this.#reserve(region, byteLength);
    if (isEncoded) lane.encoded = this.#bytes.subarray(lane.imageAt, lane.imageAt + byteLength);
    return lane.imageAt;
  }

  #reserve(region: PrivateRegion, byteLength: number): number {
    const at = region.ensure(byteLength);
    if (at + byteLength > this.#bytes.length) this.#bytes = new Uint8Array(this.setup.memory.buffer);
    return at;
  }

  /**
   * Checks what {@link SampleReader.fetch} read against its checksums, if the policy asks for it.
   * @throws {@link CorruptShardError} naming the sample.
   */
  check(lane: Lane): void {
    const { fields, layout, checksums } = this.setup;
    if (checksums === "off" || (checksums === "first" && this.#checked.has(lane.sample))) return;
    for (let number = 0; number < fields.length; number++) {
      const plan = fields[number] as FieldPlan;
      const isImage = plan.route === "image";
      const at = isImage ? lane.imageAt : cellAt(layout, lane.slot, number, lane.cell);
      const encoded = isImage ? lane.encoded : undefined;
      const bytes = encoded ?? this.#bytes.subarray(at, at + (lane.byteLengths[number] as number));
      this.table.check(lane.shard, number, lane.row, bytes);
    }
    this.#checked.add(lane.sample);
  }

  /** Copies decoded pixels to the worker's region for them and returns its offset. */
  placePixels(pixels: Uint8Array): number {
    const at = this.#reserve(this.#pixels, pixels.length);
    this.#bytes.set(pixels, at);
    return at;
  }
}
