import { UnsupportedError } from "@millrace/formats/shard";
import { totalmem } from "node:os";
import { MAX_MEMORY_BYTES, PAGE_BYTES, type RingLayout } from "./layout.js";

/**
 * A shared `WebAssembly.Memory`: posted to a worker, it is the same memory there, and kernels run on it. (A type of our
 * own, because TypeScript declares `WebAssembly` only in its DOM library.)
 */
export interface SharedMemory {
  /** The bytes. After the memory has grown it is another, longer object over the same bytes; older ones stay valid. */
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB at the end and returns how many there were: a new region that nobody else has. */
  grow(pages: number): number;
}

interface MemoryLimits {
  readonly initial: number;
  readonly maximum: number;
  readonly shared: true;
}

/**
 * A zeroed shared memory of at least `byteLength` bytes, which can grow to `maxBytes`, 4 GiB if it is not given.
 * @throws {@link UnsupportedError} if the system does not give it.
 */
export function createSharedMemory(byteLength: number, maxBytes: number = MAX_MEMORY_BYTES): SharedMemory {
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: new (limits: MemoryLimits) => SharedMemory } })
    .WebAssembly;
  try {
    return new Memory({
      initial: Math.ceil(byteLength / PAGE_BYTES),
      maximum: Math.floor(maxBytes / PAGE_BYTES),
      shared: true,
    });
  } catch (error) {
    throw new UnsupportedError({
      problem: `the system does not give ${byteLength} bytes of shared memory`,
      fix: "lower batchSize or prefetchDepth; a limit on address space (ulimit -v) must allow for 4 GiB more",
      cause: error,
    });
  }
}

/**
 * The memories of a ring.
 * @param availableBytes - What the process may use in all.
 * @throws {@link UnsupportedError} if there is not so much, or the system does not give it.
 */
export function createRingMemories(layout: RingLayout, availableBytes: number = memoryLimit()): SharedMemory[] {
  const { byteLength, numMemories, numSlots, memoryBytes, maxMemoryBytes } = layout;
  if (byteLength > availableBytes)
    throw new UnsupportedError({
      problem: `${numSlots} batches of ${layout.slotStride} bytes do not fit into the memory of this machine or container`,
      expected: `at most ${availableBytes} bytes`,
      found: `${byteLength} bytes`,
      fix: "lower batchSize or prefetchDepth, or leave out normalize, which makes the images four times larger",
    });
  return Array.from({ length: numMemories }, () => createSharedMemory(memoryBytes, maxMemoryBytes));
}

/** Bytes that the process may use: the machine's, or what its container is limited to. */
function memoryLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/**
 * A new region of at least `byteLength` bytes at the end of the memory. Threads may call it at the same time.
 * @returns its offset and its length.
 * @throws {@link UnsupportedError} if the memory would pass what it can grow to.
 */
export function growRegion(memory: SharedMemory, byteLength: number): { offset: number; byteLength: number } {
  const pages = Math.ceil(byteLength / PAGE_BYTES);
  try {
    return { offset: memory.grow(pages) * PAGE_BYTES, byteLength: pages * PAGE_BYTES };
  } catch (error) {
    throw new UnsupportedError({
      problem: `the shared memory of ${memory.buffer.byteLength} bytes cannot grow by ${byteLength}`,
      fix: "lower batchSize, prefetchDepth or numWorkers, or convert the images to a smaller size",
      cause: error,
    });
  }
}
