import { UnsupportedError } from "@millrace/formats";
import { MAX_MEMORY_BYTES, PAGE_BYTES } from "./layout.js";

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
 * A zeroed shared memory of at least `byteLength` bytes, which can grow to 4 GiB.
 * @throws {@link UnsupportedError} if the system does not give it.
 */
export function createSharedMemory(byteLength: number): SharedMemory {
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: new (limits: MemoryLimits) => SharedMemory } })
    .WebAssembly;
  try {
    return new Memory({
      initial: Math.ceil(byteLength / PAGE_BYTES),
      maximum: MAX_MEMORY_BYTES / PAGE_BYTES,
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
 * A new region of at least `byteLength` bytes at the end of the memory. Threads may call it at the same time.
 * @returns its offset and its length.
 * @throws {@link UnsupportedError} if the memory would pass 4 GiB.
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
