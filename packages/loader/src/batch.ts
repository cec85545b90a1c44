import { ClosedError, elementsOf, type Dtype, type TypedArray } from "@millrace/formats";

/** One field of a batch: a tensor in the host's memory. */
export interface BatchField {
  /** The elements, row-major: a view of the loader's shared memory, valid until the next batch is asked for. */
  readonly data: TypedArray;
  readonly dtype: Dtype;
  /** `[batch, ...shape of a sample]`; images are `[batch, height, width, channels]`. */
  readonly shape: readonly number[];
}

/** How long the consumer was blocked for a batch; `fetchStallMs + prepStallMs = stallMs`. */
export interface BatchStall {
  readonly stallMs: number;
  /** The part that is due to reading from storage. */
  readonly fetchStallMs: number;
  /** The part that is due to checking, decoding and transforming, and to starting the workers. */
  readonly prepStallMs: number;
}

/** Samples side by side. Its memory belongs to the loader and is overwritten once the next batch is asked for. */
export interface Batch {
  readonly epoch: number;
  /** Number of the batch in its epoch, from 0. */
  readonly step: number;
  /** Samples in it; the last batch of an epoch may be short. */
  readonly size: number;
  /** Numbers of the samples in their split, `[batch]`; valid as long as the fields. */
  readonly indices: Uint32Array;
  /** The fields by name. The record has no prototype, so any name is just a key. */
  readonly fields: Readonly<Record<string, BatchField>>;
  /** How long the consumer was blocked for it. */
  readonly stall: BatchStall;
  /**
   * A copy in memory of its own, which stays valid.
   * @throws {@link ClosedError} if the next batch has been asked for already.
   */
  copy(): Batch;
}

/** What {@link LoadedBatch} is made of. */
export type BatchParts = Omit<Batch, "copy">;

/** A {@link Batch} that knows whether its memory is still its own. */
export class LoadedBatch implements Batch {
  readonly epoch: number;
  readonly step: number;
  readonly size: number;
  readonly indices: Uint32Array;
  readonly fields: Readonly<Record<string, BatchField>>;
  readonly stall: BatchStall;
  #isOver = false;

  constructor(parts: BatchParts) {
    this.epoch = parts.epoch;
    this.step = parts.step;
    this.size = parts.size;
    this.indices = parts.indices;
    this.fields = parts.fields;
    this.stall = parts.stall;
  }

  /** Marks the memory as the loader's again. */
  expire(): void {
    this.#isOver = true;
  }

  copy(): Batch {
    if (this.#isOver) {
      throw new ClosedError({
        problem: `batch ${this.step} of epoch ${this.epoch} is over: its memory holds another batch now`,
        fix: "copy a batch before the next one is asked for",
      });
    }
    const fields = Object.create(null) as Record<string, BatchField>;
    for (const [name, field] of Object.entries(this.fields)) fields[name] = { ...field, data: field.data.slice() };
    const { epoch, step, size, stall } = this;
    return new LoadedBatch({ epoch, step, size, stall, indices: this.indices.slice(), fields });
  }
}

/**
 * The values of a field of texts, which stand in a batch as UTF-8, `[batch, bytes]`, filled up with zeros.
 */
export function textsOf(field: BatchField): string[] {
  const [size = 0, ...shape] = field.shape;
  const bytes = elementsOf(shape);
  const decoder = new TextDecoder();
  return Array.from({ length: size }, (_, sample) => {
    const cell = Uint8Array.from(field.data.subarray(sample * bytes, (sample + 1) * bytes) as Uint8Array);
    const end = cell.indexOf(0);
    return decoder.decode(end === -1 ? cell : cell.subarray(0, end));
  });
}
