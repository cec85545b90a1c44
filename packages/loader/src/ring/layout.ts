import { OptionError } from "@millrace/formats";

/**
 * Where everything lies in the one shared memory of a loader. Offsets are bytes.
 *
 * ```text
 * 0        page 0: never touched, as a WebAssembly module may keep data of its own there
 * 64 KiB   control words
 *          worker blocks: what each worker is doing, and where its private regions lie
 *          slots: header | sample numbers | draw numbers | states of the samples | cells of field 0 | cells of field 1 | …
 *          private regions of the workers; when one is too small, the memory grows and the region moves to the new end
 * ```
 *
 * The cells of a field are the samples' values one after the other, so a slot's field is the batch's tensor.
 */
export interface RingLayout {
  readonly numWorkers: number;
  readonly numSlots: number;
  readonly batchSize: number;
  readonly controlAt: number;
  readonly workersAt: number;
  readonly slotsAt: number;
  /** Bytes from one slot to the next. */
  readonly slotStride: number;
  /** From the beginning of a slot to its sample numbers, uint32 a sample. */
  readonly samplesAt: number;
  /** From the beginning of a slot to its draw numbers, uint32 a sample. */
  readonly drawsAt: number;
  /** From the beginning of a slot to the states of its samples, uint8 a sample. */
  readonly statesAt: number;
  /** From the beginning of a slot to each field's cells. */
  readonly cellsAt: readonly number[];
  /** Bytes of one sample of each field. */
  readonly cellBytes: readonly number[];
  /** Bytes of all of it. */
  readonly byteLength: number;
}

/** What {@link planLayout} needs to know. */
export interface RingLayoutOptions {
  readonly numWorkers: number;
  readonly numSlots: number;
  readonly batchSize: number;
  readonly cellBytes: readonly number[];
}

/** Bytes of a page of WebAssembly memory. */
export const PAGE_BYTES = 65_536;
/** Most bytes that a WebAssembly memory addresses. */
export const MAX_MEMORY_BYTES: number = 65_536 * PAGE_BYTES;
/** Things of different owners lie this far apart, so that they never share a cache line, nor a prefetched pair. */
const APART = 128;

/** Bytes of the control words. */
const CONTROL_BYTES: number = 2 * APART;
/** Bytes of a worker's block. */
export const WORKER_BYTES: number = 2 * APART;
/** Bytes of a slot's header. */
const HEADER_BYTES: number = 2 * APART;

/** The next offset at which something of another owner may begin. */
export function alignApart(offset: number): number {
  return Math.ceil(offset / APART) * APART;
}

/**
 * Lays out the memory of a ring: a pure function.
 * @throws {@link OptionError} if the slots do not fit into 4 GiB.
 */
export function planLayout(options: RingLayoutOptions): RingLayout {
  const { numWorkers, numSlots, batchSize, cellBytes } = options;
  const samplesAt = HEADER_BYTES;
  const drawsAt = samplesAt + 4 * batchSize;
  const statesAt = drawsAt + 4 * batchSize;
  let end = alignApart(statesAt + batchSize);
  const cellsAt = cellBytes.map((bytes) => {
    const at = end;
    end = alignApart(at + bytes * batchSize);
    return at;
  });
  const controlAt = PAGE_BYTES;
  const workersAt = controlAt + CONTROL_BYTES;
  const slotsAt = workersAt + WORKER_BYTES * Math.max(1, numWorkers);
  const byteLength = slotsAt + numSlots * end;
  if (byteLength > MAX_MEMORY_BYTES) throw tooLarge(options, MAX_MEMORY_BYTES - slotsAt, end);
  return {
    numWorkers,
    numSlots,
    batchSize,
    controlAt,
    workersAt,
    slotsAt,
    slotStride: end,
    samplesAt,
    drawsAt,
    statesAt,
    cellsAt,
    cellBytes,
    byteLength,
  };
}

/** Offset of a slot. */
export function slotAt(layout: RingLayout, slot: number): number {
  return layout.slotsAt + slot * layout.slotStride;
}

/** Offset of one sample's value of a field. */
export function cellAt(layout: RingLayout, slot: number, field: number, cell: number): number {
  return slotAt(layout, slot) + (layout.cellsAt[field] as number) + cell * (layout.cellBytes[field] as number);
}

/** Says what is to be lowered, and how far: the batch size where not even a depth of 2 fits, or of 1 that was asked for. */
function tooLarge(options: RingLayoutOptions, room: number, slotBytes: number): OptionError {
  const { numWorkers, numSlots, batchSize } = options;
  const slots = Math.floor(room / slotBytes);
  const fewest = Math.min(numSlots, 3);
  const isDeep = numWorkers > 0 && slots >= fewest;
  const samples = Math.max(0, Math.floor((room / fewest / slotBytes) * batchSize));
  return new OptionError({
    option: isDeep ? "prefetchDepth" : "batchSize",
    problem: `${numSlots} batches of ${batchSize} samples, ${slotBytes} bytes each, do not fit into the 4 GiB of one shared memory`,
    expected: isDeep ? `at most ${slots - 1}` : `about ${samples} at most`,
    found: String(isDeep ? numSlots - 1 : batchSize),
    fix: "lower batchSize or prefetchDepth, or leave out normalize, which makes the images four times larger",
  });
}
