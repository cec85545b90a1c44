import { OptionError, type Statistics } from "@millrace/formats/shard";
import { shownValue } from "../shown-value.js";

/** Pixels as floats of zero mean and unit variance; see {@link normalize}. */
export interface Normalize {
  readonly kind: "normalize";
  /** Of each channel, as fractions of the range 0 to 255; the data set's where it is not given. */
  readonly mean: readonly number[] | undefined;
  /** Standard deviation, in the same way. */
  readonly std: readonly number[] | undefined;
  /** Of the result. */
  readonly dtype: "float32" | "float16";
}

/** What {@link normalize} takes: one number a channel, as fractions of the range 0 to 255. */
export interface NormalizeOptions {
  /** Default: the data set's. */
  readonly mean?: readonly number[] | undefined;
  /** Above 0; default: the data set's. */
  readonly std?: readonly number[] | undefined;
  /** Default `float32`; `float16` halves the bytes, and comes as its bits in a `Uint16Array`. */
  readonly dtype?: "float32" | "float16" | undefined;
}

/**
 * Makes floats of the pixels: `(pixel / 255 - mean) / std`. `mean` and `std` are fractions, one a channel; without
 * them, those in the manifest are taken. Without `normalize`, images stay uint8, which is a quarter of the bytes and
 * lets the device do the rest.
 * @throws {@link OptionError} for numbers that are not finite, a standard deviation that is not above 0, or another dtype.
 */
export function normalize(options: NormalizeOptions = {}): Normalize {
  checkChannels("mean", options.mean, (value) => Number.isFinite(Math.fround(value)), "a list of finite numbers");
  checkChannels("std", options.std, isDeviation, "a list of numbers above 0 by which a float32 can be divided");
  const { mean, std, dtype = "float32" } = options;
  if (dtype === "float32" || dtype === "float16") return { kind: "normalize", mean, std, dtype };
  throw new OptionError({
    option: "transforms",
    problem: "normalize: the dtype is impossible",
    expected: "float32 | float16",
    found: shownValue(dtype),
  });
}

/** True for what pixels can be divided by in float32. */
function isDeviation(value: number): boolean {
  return value > 0 && Number.isFinite(value) && Number.isFinite(Math.fround(1 / (255 * value)));
}

function checkChannels(
  name: string,
  values: readonly number[] | undefined,
  isGood: (value: number) => boolean,
  expected: string,
): void {
  if (values === undefined || (Array.isArray(values) && values.length > 0 && values.every(isGood))) return;
  throw new OptionError({
    option: "transforms",
    problem: `normalize: the ${name} is impossible`,
    expected,
    found: shownValue(values),
  });
}

/** `pixel * scale + shift`, one number a channel. */
export interface Affine {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/**
 * The affine map of `transform` for images of `channels` channels.
 * @param statistics - Of the data set, for what the transform leaves open.
 * @throws {@link OptionError} if neither gives the numbers, or their count is not that of the channels.
 */
export function affineOf(transform: Normalize, channels: number, statistics: Statistics | undefined): Affine {
  const mean = channelsOf("mean", transform.mean ?? statistics?.mean, channels);
  const std = channelsOf("std", transform.std ?? statistics?.std, channels);
  const flat = std.findIndex((value) => !isDeviation(value));
  if (flat !== -1) {
    throw new OptionError({
      option: "transforms",
      problem: `normalize: channel ${flat} of the data set has no variance`,
      expected: "a standard deviation above 0",
      found: String(std[flat]),
      fix: "give std: normalize({ std: [...] })",
    });
  }
  return {
    scale: std.map((value) => 1 / (255 * value)),
    shift: mean.map((value, channel) => -value / (std[channel] as number)),
  };
}

function channelsOf(name: "mean" | "std", values: readonly number[] | undefined, channels: number): readonly number[] {
  if (values?.length === channels) return values;
  throw new OptionError({
    option: "transforms",
    problem: values === undefined ? `normalize: the data set has no ${name}` : `normalize: the ${name} does not fit`,
    expected: `${channels} numbers, one a channel`,
    found: values === undefined ? undefined : `${values.length}`,
    fix: `give it: normalize({ ${name}: [...] })`,
  });
}
