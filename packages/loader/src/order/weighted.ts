import { OptionError } from "@millrace/formats";
import { Philox, PHILOX_USE, seedWords } from "../philox.js";
import { AliasTable } from "./alias-table.js";
import { checkOrder } from "./order-schema.js";
import type { BoundOrder, WeightedOrder } from "./order.js";

/** What {@link weighted} takes: either `weights` or `classWeights`. */
export interface WeightedOptions {
  /** Default 0. */
  readonly seed?: number | undefined;
  /** How often each sample is drawn, relative to the others: one number a sample of the split, from 0 up. */
  readonly weights?: ArrayLike<number> | undefined;
  /** The same by class: one number for each label from 0 up, which is the weight of each sample of the class. */
  readonly classWeights?: ArrayLike<number> | undefined;
  /** Draws of an epoch; default: as many as there are samples. */
  readonly draws?: number | undefined;
}

/**
 * Draws samples with replacement, in proportion to their weights: an epoch may visit a sample more than once, or never.
 * A draw is O(1) and a pure function of (seed, epoch, position); what it looks into is built once, at opening, in O(n):
 * 12 bytes a sample for `weights`, 4 bytes a sample for `classWeights`, whose labels are read then.
 * @throws {@link OptionError} for weights that are negative, not finite or all zero.
 */
export function weighted(options: WeightedOptions): WeightedOrder {
  const { seed = 0, weights, classWeights, draws } = options;
  return checkOrder({
    kind: "weighted",
    seed,
    ...(weights === undefined ? {} : { weights: Array.from(weights) }),
    ...(classWeights === undefined ? {} : { classWeights: Array.from(classWeights) }),
    ...(draws === undefined ? {} : { draws }),
  });
}

/**
 * {@link weighted} with each class drawn equally often, however many samples it has.
 * @throws {@link OptionError} for an impossible seed or number of draws.
 */
export function classBalanced(options: Pick<WeightedOptions, "seed" | "draws"> = {}): WeightedOrder {
  const { seed = 0, draws } = options;
  return checkOrder({
    kind: "weighted",
    seed,
    classWeights: "balanced",
    ...(draws === undefined ? {} : { draws }),
  });
}

/**
 * Two numbers, uniform in `[0, 1)`, of 53 and 32 bits, as a pure function of (seed, epoch, position).
 */
class DrawRandom {
  readonly #philox = new Philox();
  readonly #seed: readonly [low: number, high: number];

  constructor(seed: number) {
    this.#seed = seedWords(seed);
  }

  /** The numbers of a position; then read {@link DrawRandom.fine} and the coins. */
  seek(epoch: number, position: number): void {
    const [low, high] = this.#seed;
    this.#philox.block(low, high, epoch, position >>> 0, Math.floor(position / 2 ** 32), PHILOX_USE.draw * 2 ** 24);
  }

  /** Uniform with 53 bits. */
  get fine(): number {
    const { words } = this.#philox;
    return ((words[0] as number) * 2 ** 21 + ((words[1] as number) >>> 11)) / 2 ** 53;
  }

  /** Uniform with 32 bits. */
  get coin(): number {
    return (this.#philox.words[2] as number) / 2 ** 32;
  }

  /** Another one. */
  get class(): number {
    return (this.#philox.words[3] as number) / 2 ** 32;
  }
}

/**
 * {@link weighted} over `length` samples.
 * @param labels - Of the samples; needed for weights of classes.
 * @throws {@link OptionError} if the weights do not fit the samples, or leave nothing to draw.
 */
export function bindWeighted(order: WeightedOrder, length: number, labels: Int32Array | undefined): BoundOrder {
  const { weights, classWeights, seed } = order;
  const positions = order.draws ?? length;
  const random = new DrawRandom(seed);
  if (classWeights !== undefined) {
    const classes = new ClassTable(labels ?? fail("there are no labels", "a field label of integers", undefined));
    const table = new AliasTable(classes.massOf(classWeights));
    const at = (epoch: number, position: number): number => {
      random.seek(epoch, position);
      return classes.member(table.draw(random.class, random.coin), random.fine);
    };
    return { length: positions, repeats: true, at };
  }
  if (typeof weights === "string" || weights === undefined)
    return fail("has the hash of its weights only", "the weights themselves", weights);
  if (!weights.some((weight) => weight > 0)) return fail("the weights leave nothing to draw", "a weight above 0", "0");
  const table = new AliasTable(checkWeights(weights, length));
  const at = (epoch: number, position: number): number => {
    random.seek(epoch, position);
    return table.draw(random.fine, random.coin);
  };
  return { length: positions, repeats: true, at };
}

/**
 * @returns `weights`, one for each of `length` samples.
 * @throws {@link OptionError} if there are more or fewer.
 */
export function checkWeights(weights: readonly number[], length: number): readonly number[] {
  if (weights.length === length) return weights;
  return fail("the weights do not fit", `${length} numbers, one a sample`, `${weights.length}`);
}

function fail(problem: string, expected: string, found: string | undefined): never {
  throw new OptionError({ option: "order", problem: `weighted: ${problem}`, expected, found });
}

/** The samples of each class, in one array: 4 bytes a sample. */
class ClassTable {
  /** Where each class begins in the array, and where the last ends. */
  readonly #starts: Uint32Array;
  readonly #members: Uint32Array;

  constructor(labels: Int32Array) {
    let classes = 0;
    for (const label of labels) {
      if (label < 0) fail("a label is negative", "labels from 0 up", String(label));
      if (label >= classes) classes = label + 1;
    }
    // A sparse label would cost memory for all those below it.
    if (classes > 4 * labels.length + 65_536) fail("a label is too large", "numbers of classes", String(classes - 1));
    this.#starts = new Uint32Array(classes + 1);
    for (const label of labels) this.#starts[label + 1]! += 1;
    for (let c = 0; c < classes; c++) this.#starts[c + 1]! += this.#starts[c] as number;
    const next = this.#starts.slice();
    this.#members = new Uint32Array(labels.length);
    for (let sample = 0; sample < labels.length; sample++) this.#members[next[labels[sample] as number]!++] = sample;
  }

  /** Samples of a class. */
  #count(label: number): number {
    return (this.#starts[label + 1] as number) - (this.#starts[label] as number);
  }

  /** The weight of each class as a whole. */
  massOf(weights: readonly number[] | "balanced"): Float64Array {
    const classes = this.#starts.length - 1;
    // Relative to the largest, lest a product overflowed.
    const largest = weights === "balanced" ? 1 : weights.slice(0, classes).reduce((a, b) => Math.max(a, b), 0);
    if (weights !== "balanced" && weights.length < classes)
      fail("the classWeights do not fit", `${classes} numbers, one a class`, `${weights.length}`);
    const mass = Float64Array.from({ length: classes }, (_, label) => {
      const count = this.#count(label);
      return weights === "balanced" ? Math.min(1, count) : count * ((weights[label] as number) / largest);
    });
    if (!mass.some((value) => value > 0)) fail("the classWeights leave nothing to draw", "a class with samples", "0");
    return mass;
  }

  /** A sample of a class that has some; `place` is uniform in `[0, 1)`. */
  member(label: number, place: number): number {
    return this.#members[(this.#starts[label] as number) + Math.floor(place * this.#count(label))] as number;
  }
}
