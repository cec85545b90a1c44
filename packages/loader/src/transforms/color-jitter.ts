import { OptionError } from "@millrace/formats/shard";
import type { Kernels, ResampleSource } from "@millrace/image";
import { shownValue } from "../shown-value.js";
import { checkFraction } from "./fraction.js";
import type { TransformRandom } from "./transform-random.js";

/** From what to what a factor is drawn. */
export type FactorRange = readonly [low: number, high: number];

/** Random changes of colour; see {@link colorJitter}. */
export interface ColorJitter {
  readonly kind: "colorJitter";
  /** Factor of the levels; `undefined`, here and below, where the colour stays as it is in this respect. */
  readonly brightness: FactorRange | undefined;
  /** Factor of the distance to the mean grey level. */
  readonly contrast: FactorRange | undefined;
  /** Factor of the distance to the grey image. */
  readonly saturation: FactorRange | undefined;
  /** Part of a full turn of the hue, -0.5 to 0.5. */
  readonly hue: FactorRange | undefined;
  /** How many of the samples are changed, from 0 to 1. */
  readonly fraction: number;
}

/** What {@link colorJitter} takes. */
export interface ColorJitterOptions {
  /** Factor of the levels: `[low, high]` from 0 up, or a number `b` for `[max(0, 1 - b), 1 + b]`. */
  readonly brightness?: number | FactorRange | undefined;
  /** Factor of the distance to the mean grey level; as `brightness`. */
  readonly contrast?: number | FactorRange | undefined;
  /** Factor of the distance to the grey image; as `brightness`. */
  readonly saturation?: number | FactorRange | undefined;
  /** Part of a full turn of the hue: `[low, high]` within -0.5 to 0.5, or a number `h` for `[-h, h]`. */
  readonly hue?: number | FactorRange | undefined;
  /** How many of the samples are changed; default 1, all. */
  readonly fraction?: number | undefined;
}

/**
 * Changes brightness, contrast, saturation and hue by random factors, in a random order, with the rules and the levels
 * of torchvision's `ColorJitter`. It works on uint8 pixels, so it stands before {@link normalize}; after the crop it
 * costs less than before.
 * @throws {@link OptionError} for an impossible range.
 */
export function colorJitter(options: ColorJitterOptions = {}): ColorJitter {
  return {
    kind: "colorJitter",
    brightness: rangeOf("brightness", options.brightness, 1, Infinity),
    contrast: rangeOf("contrast", options.contrast, 1, Infinity),
    saturation: rangeOf("saturation", options.saturation, 1, Infinity),
    hue: rangeOf("hue", options.hue, 0, 0.5),
    fraction: checkFraction("colorJitter", options.fraction ?? 1),
  };
}

/** The range of a factor around `neutral`, or `undefined` if it is nothing but that. */
function rangeOf(
  name: string,
  value: number | FactorRange | undefined,
  neutral: number,
  most: number,
): FactorRange | undefined {
  const least = neutral === 1 ? 0 : -most;
  const range =
    typeof value === "number" && value >= 0
      ? [Math.max(least, neutral - value), neutral + value]
      : (value ?? [neutral, neutral]);
  if (Array.isArray(range) && range.length === 2) {
    const [low, high] = range as [number, number];
    const areNumbers = typeof low === "number" && typeof high === "number";
    if (areNumbers && low >= least && low <= high && high <= most && Number.isFinite(Math.fround(high)))
      return low === neutral && high === neutral ? undefined : [low, high];
  }
  throw new OptionError({
    option: "transforms",
    problem: `colorJitter: the ${name} is impossible`,
    expected:
      neutral === 1
        ? "a number from 0 up, or [low, high] with 0 <= low <= high"
        : "a number from 0 to 0.5, or [low, high] within -0.5 to 0.5",
    found: shownValue(value),
  });
}

const CHANGES = ["brightness", "contrast", "saturation", "hue"] as const;

/** Room for the random order and the factors; a thread makes one image at a time. */
const order = new Uint8Array(4);
const factors = new Float64Array(4);

/** Changes the colours of `image` in place, or does not. */
export function applyColorJitter(
  transform: ColorJitter,
  image: ResampleSource,
  kernels: Kernels,
  random: TransformRandom,
): void {
  if (random.next() >= transform.fraction) return;
  for (let i = 0; i < 4; i++) {
    // The shuffle of Fisher and Yates, inside out.
    const j = random.below(i + 1);
    order[i] = order[j] as number;
    order[j] = i;
  }
  for (let i = 0; i < 4; i++) {
    const range = transform[CHANGES[i] as (typeof CHANGES)[number]];
    factors[i] = range === undefined ? 0 : random.uniform(range[0], range[1]);
  }
  for (let i = 0; i < 4; i++) {
    const change = CHANGES[order[i] as number] as (typeof CHANGES)[number];
    if (transform[change] !== undefined) kernels[change](image, factors[order[i] as number] as number);
  }
}
