import { OptionError } from "@millrace/formats";
import { Philox, PHILOX_USE, seedWords } from "../philox.js";
import { KeyedBijection } from "./bijection.js";
import type { BoundOrder } from "./order.js";

/** One of the data sets that are mixed, in an order of its own. */
export interface MixPart {
  readonly order: BoundOrder;
  /** Number of its first sample among all. */
  readonly start: number;
  /** Its share of the positions, relative to the others; above 0. */
  readonly weight: number;
}

/** Positions whose parts are mixed at random; the parts' counts are exact at the end of each such stretch. */
const WINDOW = 64;

/** Most positions of an epoch, up to which the arithmetic of the pattern is exact. */
const MAX_POSITIONS = 2 ** 32 - 1;

/** `floor((a * b + c) / n)`, exact for integers below 2^32. */
function multiplyDivide(a: number, b: number, c: number, n: number): number {
  const high = Math.floor(a / 2 ** 16) * b;
  const quotient = Math.floor(high / n);
  const rest = (high - quotient * n) * 2 ** 16 + (a % 2 ** 16) * b + c;
  return quotient * 2 ** 16 + Math.floor(rest / n);
}

/**
 * Positions of each part in an epoch of `length`: in proportion to the weights, by the method of the largest remainders,
 * so they sum to `length`.
 */
export function shareOut(weights: readonly number[], length: number): number[] {
  const largest = Math.max(...weights);
  const total = weights.reduce((sum, weight) => sum + weight / largest, 0);
  const exact = weights.map((weight) => ((weight / largest) * length) / total);
  const counts = exact.map(Math.floor);
  const byRest = exact.map((value, part) => [value - Math.floor(value), part] as const);
  byRest.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const left = length - counts.reduce((sum, count) => sum + count, 0);
  for (const [, part] of byRest.slice(0, left)) counts[part]! += 1;
  return counts;
}

/** A stretch of the parts; its positions are divided between its two halves, or lie in one part. */
interface Node {
  readonly positions: number;
  /** Positions of the first half. */
  readonly first: number;
  /** Halves, or the number of the part. */
  readonly halves: readonly [Node, Node] | number;
}

function divide(counts: readonly number[], from: number, to: number): Node {
  const positions = counts.slice(from, to).reduce((sum, count) => sum + count, 0);
  if (to - from === 1) return { positions, first: positions, halves: from };
  const middle = (from + to) >>> 1;
  const halves = [divide(counts, from, middle), divide(counts, middle, to)] as const;
  return { positions, first: halves[0].positions, halves };
}

/** Where one part stands: its position is `base + count`, counted over the epochs in passes of its own. */
interface Standing {
  pass: number;
  offset: number;
}

/**
 * Mixes data sets in exact proportions: an epoch of `length` positions gives each part its share by weight, and any
 * {@link WINDOW} positions from a multiple of it too, but for a sample at each fork. A part goes through its own order
 * pass by pass, across the ends of epochs, so each of its samples comes once before any comes again. The cost of a
 * position is O(log parts); there is no memory but for the parts.
 *
 * The pattern: the parts are halved again and again, and of the first `p` positions of a fork with `a` of `n` positions
 * for its first half, `floor((p * a + n / 2) / n)` go there: a Sturmian sequence, in which no count is ever further from
 * its share than half a sample (Lothaire, "Algebraic Combinatorics on Words", chapter 2). The positions of each window
 * are permuted by a key before that, lest a rank, which takes every n-th position, always met the same part.
 * @param length - Of an epoch, below 2^32.
 * @throws {@link OptionError} for a weight that is too small for a single position, or too many positions.
 */
export function bindMix(parts: readonly MixPart[], length: number, seed: number): BoundOrder {
  if (length > MAX_POSITIONS) {
    const expected = `at most ${MAX_POSITIONS} samples together`;
    throw new OptionError({ option: "path", problem: "too many samples to mix", expected, found: String(length) });
  }
  const weights = parts.map((part) => part.weight);
  const counts = shareOut(weights, length);
  const empty = counts.indexOf(0);
  if (empty !== -1) {
    const problem = `data set ${empty} has no place among the ${length} positions of an epoch`;
    throw new OptionError({ option: "weight", problem, expected: "a larger weight", found: String(weights[empty]) });
  }
  const root = divide(counts, 0, parts.length);
  const pattern = new KeyedBijection(seed, PHILOX_USE.mix);
  const standings: Standing[] = parts.map(() => ({ pass: 0, offset: 0 }));
  let placed = 0;
  const stand = (epoch: number): void => {
    for (const [part, { order }] of parts.entries()) {
      // The product may pass 2^53; once an epoch, it may cost a BigInt.
      const visited = BigInt(epoch) * BigInt(counts[part] as number);
      const standing = standings[part] as Standing;
      standing.pass = Number((visited / BigInt(order.length)) % 2n ** 32n);
      standing.offset = Number(visited % BigInt(order.length));
    }
    placed = epoch;
  };
  return {
    length,
    repeats: parts.some(({ order }, part) => order.repeats || (counts[part] as number) !== order.length),
    at: (epoch, position) => {
      if (epoch !== placed) stand(epoch);
      const window = Math.floor(position / WINDOW);
      const start = window * WINDOW;
      let at = start + pattern.over(Math.min(WINDOW, length - start), epoch, window)(position - start);
      let node = root;
      while (typeof node.halves !== "number") {
        const half = node.positions >>> 1;
        const before = multiplyDivide(at, node.first, half, node.positions);
        const isFirst = multiplyDivide(at + 1, node.first, half, node.positions) > before;
        at = isFirst ? before : at - before;
        node = node.halves[isFirst ? 0 : 1];
      }
      const { order, start: firstSample } = parts[node.halves] as MixPart;
      const { pass, offset } = standings[node.halves] as Standing;
      const visited = offset + at;
      const passes = Math.floor(visited / order.length);
      return firstSample + order.at((pass + passes) % 2 ** 32, visited - passes * order.length);
    },
  };
}

/** A seed for a part's own order, as different parts shall not be shuffled alike: an integer in `[0, 2^53)`. */
export function partSeed(seed: number, part: number): number {
  const philox = new Philox();
  const [low, high] = seedWords(seed);
  philox.block(low, high, part, 0, 0, PHILOX_USE.part * 2 ** 24);
  return (philox.words[0] as number) + ((philox.words[1] as number) & 0x1fffff) * 2 ** 32;
}
