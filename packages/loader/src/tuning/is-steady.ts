/** Photographs of several sizes do not let blocks of 64 of them agree better. */
const CLOSE = 0.1;

/**
 * Whether the last two of several blocks of samples cost the same, within 10 %. Threads begin with code that is not
 * compiled: of JPEGs the first hundred samples of a worker take up to three times the CPU time of those after three
 * hundred, and what is loaded for one sample in a hundred is met only then. Pure.
 * @param costsMs - What a sample cost in each block, on average.
 */
export function isSteady(costsMs: readonly number[]): boolean {
  const [before, last] = costsMs.slice(-2);
  return before !== undefined && last !== undefined && Math.abs(last - before) <= CLOSE * Math.min(before, last);
}
