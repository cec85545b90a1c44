/**
 * How an exhausted memory shows: the status and the text of TensorFlow's allocator, the abort of the wasm module, whose
 * memory ends at 4 GB, and the errors of V8 for arrays that it cannot make.
 */
const SIGNS = [
  /OOM when allocating|resource.?exhausted|failed to allocate|std::bad_alloc/iu,
  /Aborted\(|cannot enlarge memory|memory access out of bounds/iu,
  /array buffer allocation failed|invalid (?:typed )?array (?:buffer )?length|out of memory/iu,
];

/** True for an error of a backend that has run out of memory. */
export function isOutOfMemory(error: unknown): boolean {
  const text = error instanceof Error ? error.message : String(error);
  return SIGNS.some((sign) => sign.test(text));
}
