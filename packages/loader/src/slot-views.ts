import { viewAs } from "@millrace/formats";
import type { BatchField } from "./batch.js";
import type { FieldPlan } from "./fields.js";
import { cellAt } from "./ring/layout.js";
import type { Ring } from "./ring/ring.js";

/** What a batch shows of its slot. */
export interface SlotView {
  readonly indices: Uint32Array;
  readonly fields: Readonly<Record<string, BatchField>>;
}

/** Views of the slots of a ring as batches, made once for whole batches. */
export class SlotViews {
  readonly #whole = new Map<number, SlotView>();

  constructor(
    readonly ring: Ring,
    readonly plans: readonly FieldPlan[],
  ) {}

  /** The first `size` samples of a slot. */
  view(slot: number, size: number): SlotView {
    if (size < this.ring.layout.batchSize) return this.#make(slot, size);
    const known = this.#whole.get(slot);
    if (known !== undefined) return known;
    const made = this.#make(slot, size);
    this.#whole.set(slot, made);
    return made;
  }

  #make(slot: number, size: number): SlotView {
    const { layout } = this.ring;
    const { buffer } = this.ring.memoryOf(slot);
    const fields = Object.create(null) as Record<string, BatchField>;
    for (const [number, { field, dtype, shape, cellBytes }] of this.plans.entries()) {
      const bytes = new Uint8Array(buffer, cellAt(layout, slot, number, 0), size * cellBytes);
      fields[field.name] = { data: viewAs(dtype, bytes), dtype, shape: [size, ...shape] };
    }
    return { indices: this.ring.samples(slot).subarray(0, size), fields };
  }
}
