import { OptionError } from "@millrace/formats/shard";

/**
 * Where everything lies in the shared memory of a loader: in one memory, or in several of the same layout, where the
 * slots do not fit into one. Offsets are bytes of the memory in question.
 *
 * ```text
 * 0        page 0: never touched, as a WebAssembly module may keep data of its own there
 * 64 KiB   control words
 *          worker blocks: what each worker is doing, and where its private regions lie
 *          slots: header | sample numbers | draw numbers | states of the samples | cells of field 0 | cells of field 1 | …
 *          private regions of the workers; when one is too small, the memory grows and the region moves to the new end
 * ```
 *
 * The cells of a field are the samples' values one after the other, so a slot's field is the batch's tensor. Slots lie
 * one after the other through all memories. Of the control words, and of what the worker blocks say beside the places of
 * the private regions, those of the first memory are used.
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
  readonly numMemories: number;
  /** Slots of a memory; the last one may have fewer. */
  readonly slotsPerMemory: number;
  /** Bytes of each memory, before there are private regions. */
  readonly memoryBytes: number;
  /** Bytes up to which each memory can grow. */
  readonly maxMemoryBytes: number;
  /** Bytes of all of it, private regions left out. */
  readonly byteLength: number;
}

/** What {@link planLayout} needs to know. */
export interface RingLayoutOptions {
  readonly numWorkers: number;
  readonly numSlots: number;
  readonly batchSize: number;
  readonly cellBytes: readonly number[];
  /** Bytes of the largest memory there can be; default {@link MAX_MEMORY_BYTES}. */
  readonly maxMemoryBytes?: number | undefined;
}

/** Bytes of a page of WebAssembly memory. */
export const PAGE_BYTES = 65_536;
/** Most bytes that a WebAssembly memory addresses. */
export const MAX_MEMORY_BYTES: number = 65_536 * PAGE_BYTES;
/** This part of a memory is left to the workers' private regions. */
const PRIVATE_FRACTION = 1 / 4;
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
 * @throws {@link OptionError} if a slot does not fit into a memory.
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
  const { maxMemoryBytes = MAX_MEMORY_BYTES } = options;
  const room = maxMemoryBytes - slotsAt;
  if (end > room) throw tooLarge(options, room, end);
  const most = Math.max(1, Math.floor((room - maxMemoryBytes * PRIVATE_FRACTION) / end));
  const slotsPerMemory = Math.ceil(numSlots / Math.ceil(numSlots / most));
  const numMemories = Math.ceil(numSlots / slotsPerMemory);
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
    numMemories,
    slotsPerMemory,
    memoryBytes: slotsAt + slotsPerMemory * end,
    maxMemoryBytes,
    byteLength: numMemories * slotsAt + numSlots * end,
  };
}

/** Number of the memory that a slot lies in. */
export function memoryOf(layout: RingLayout, slot: number): number {
  return Math.floor(slot / layout.slotsPerMemory);
}

/** Offset of a slot in its memory. */
export function slotAt(layout: RingLayout, slot: number): number {
  return layout.slotsAt + (slot % layout.slotsPerMemory) * layout.slotStride;
}

/** Offset of one sample's value of a field in the memory of its slot. */
export function cellAt(layout: RingLayout, slot: number, field: number, cell: number): number {
  return slotAt(layout, slot) + (layout.cellsAt[field] as number) + cell * (layout.cellBytes[field] as number);
}

/** Says how many samples would fit, at most. */
function tooLarge({ batchSize }: RingLayoutOptions, room: number, slotBytes: number): OptionError {
  const samples = Math.floor((room / slotBytes) * batchSize);
  return new OptionError({
    option: "batchSize",
    problem: `a batch of ${batchSize} samples, ${slotBytes} bytes, does not fit into one shared memory, which kernels address by 32 bits`,
    expected: `about ${samples} at most`,
    found: String(batchSize),
    fix: "lower batchSize, or leave out normalize, which makes the images four times larger",
  });
}
