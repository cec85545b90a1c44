import { OptionError, SampleError } from "@millrace/formats/shard";
import type { TransformRandom } from "./transform-random.js";

/** A transform of the caller's own; see {@link userTransform}. Plain data, which the workers import. */
export interface UserTransform {
  readonly kind: "user";
  /** A `file:` URL. */
  readonly module: string;
  /** Name of the exported function. */
  readonly export: string;
  /** Handed to the function as it is; must survive `structuredClone`. */
  readonly options: unknown;
}

/** The image that a {@link UserTransformFunction} changes, in the memory of the loader. */
export interface TransformImage {
  /** `[height, width, channels]`, row-major; valid during the call only. float32 after `normalize`, else uint8. */
  readonly data: Uint8Array | Float32Array;
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** 3: red, green, blue; 1: grey. */
  readonly channels: number;
}

/** What a {@link UserTransformFunction} may know. */
export interface TransformContext {
  /** The sample's number in its split. */
  readonly sample: number;
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The `options` of {@link userTransform}. */
  readonly options: unknown;
  /**
   * Uniform in `[0, 1)`; the same numbers for the same (seed, epoch, sample) on every worker, or (seed, epoch, position)
   * where the order may repeat a sample. Use no others.
   */
  random(): number;
}

/** A function that changes the pixels of `image.data` in place. It is synchronous, and returns nothing. */
export type UserTransformFunction = (image: TransformImage, context: TransformContext) => void;

/** Where the function of a {@link userTransform} is. */
export interface UserTransformOptions {
  /** URL of the module, `file:` only: `new URL("./my-transform.js", import.meta.url)`. */
  readonly module: string | URL;
  /** Name of the exported {@link UserTransformFunction}; default `transform`. */
  readonly export?: string | undefined;
  /** Handed to the function as it is; must survive `structuredClone`. */
  readonly options?: unknown;
}

/**
 * Runs a function of the caller's on the pixels of each image, in the workers. The module is imported by each of them,
 * so it must be JavaScript that Node.js runs. It changes pixels, not the size.
 * @throws {@link OptionError} if the module is not a `file:` URL, or the options cannot be cloned.
 */
export function userTransform(options: UserTransformOptions): UserTransform {
  const module = String(options.module);
  if (!module.startsWith("file:")) {
    throw new OptionError({
      option: "transforms",
      problem: "userTransform: the module is not a file: URL",
      expected: 'new URL("./my-transform.js", import.meta.url)',
      found: module,
    });
  }
  try {
    structuredClone(options.options);
  } catch (error) {
    throw new OptionError({
      option: "transforms",
      problem: "userTransform: the options cannot be handed to a thread",
      expected: "plain data, typed arrays, shared memory",
      found: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
  return { kind: "user", module, export: options.export ?? "transform", options: options.options };
}

/**
 * Imports the function of `transform`.
 * @throws {@link OptionError} if the module cannot be imported or exports no such function.
 */
export async function importUserTransform(transform: UserTransform): Promise<UserTransformFunction> {
  const fail = (problem: string, cause?: unknown): never => {
    throw new OptionError({
      option: "transforms",
      problem: `userTransform: ${problem}`,
      expected: `a function exported as ${transform.export}`,
      found: transform.module,
      cause,
    });
  };
  let module: Record<string, unknown>;
  try {
    module = (await import(transform.module)) as Record<string, unknown>;
  } catch (error) {
    return fail(`the module cannot be imported: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const found = module[transform.export];
  return typeof found === "function" ? (found as UserTransformFunction) : fail("the module has no such export");
}

/** A bound user transform: calls the function with one context, which it reuses. */
export class UserTransformCall {
  readonly #context: { sample: number; epoch: number; options: unknown; random: () => number };

  constructor(
    readonly transform: UserTransform,
    readonly run: UserTransformFunction,
    random: TransformRandom,
  ) {
    this.#context = { sample: 0, epoch: 0, options: transform.options, random: () => random.next() };
  }

  /**
   * Changes the pixels of `image`; the random numbers must have been seeded for the sample.
   * @throws {@link SampleError} with whatever the function throws as its cause, or if it returns another image, or puts
   * another array in place of `image.data`.
   */
  call(image: TransformImage, epoch: number, sample: number): void {
    this.#context.sample = sample;
    this.#context.epoch = epoch;
    const { data } = image;
    let result: unknown;
    try {
      result = this.run(image, this.#context);
    } catch (error) {
      throw new SampleError({
        problem: `the transform ${this.transform.export} threw: ${error instanceof Error ? error.message : String(error)}`,
        fix: `look at ${this.transform.module}`,
        cause: error,
      });
    }
    if (image.data !== data) this.#refuse("put another array in place of image.data", image.data);
    if (result === undefined || result === image || result === data) return;
    if (result instanceof Promise) {
      result.catch(() => undefined);
      throw new SampleError({
        problem: `the transform ${this.transform.export} returned a promise`,
        expected: "a synchronous function",
        fix: `look at ${this.transform.module}`,
      });
    }
    this.#refuse("returned a value", result);
  }

  #refuse(deed: string, value: unknown): never {
    throw new SampleError({
      problem: `the transform ${this.transform.export} ${deed}, which nobody would use`,
      expected: "a function that changes image.data in place, of the same shape",
      found: shapeOf(value),
      fix: `look at ${this.transform.module}`,
    });
  }
}

function shapeOf(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  return value === null ? "null" : typeof value;
}
