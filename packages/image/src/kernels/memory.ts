import { OptionError } from "@millrace/formats/shard";
import { webAssembly } from "./web-assembly.js";

/**
 * A `WebAssembly.Memory`, shared or not, as the kernels need it. A shared one can be posted to other threads, where it
 * is the same memory. (A type of our own, because TypeScript declares `WebAssembly` only in its DOM library.)
 */
export interface KernelMemory {
  /** The bytes. After the memory has grown it is another object: do not keep it. */
  readonly buffer: ArrayBufferLike;
}

/** What {@link createMemory} makes. */
export interface MemoryOptions {
  /** Bytes, rounded up to whole pages of 64 KiB; zeroed. */
  readonly byteLength: number;
  /** Whether other threads can have it too. Default: true. */
  readonly shared?: boolean;
}

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

/**
 * A new memory that cannot grow, so its `buffer` and views of it stay valid for as long as they are held.
 * @throws OptionError for a length below 1 byte or above 4 GiB.
 */
export function createMemory(options: MemoryOptions): KernelMemory {
  const { byteLength, shared = true } = options;
  const pages = Math.ceil(byteLength / PAGE_BYTES);
  if (!Number.isSafeInteger(byteLength) || byteLength < 1 || pages > MAX_PAGES) {
    throw new OptionError({
      option: "byteLength",
      problem: "is not a size of a memory",
      expected: "1 byte to 4 GiB",
      found: String(byteLength),
    });
  }
  return new (webAssembly().Memory)({ initial: pages, maximum: pages, shared });
}
