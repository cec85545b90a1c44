import { checkFactor, GREY_WEIGHTS, TO_LEVEL, type ColourKernels } from "./colour.js";
import { checkImage, type ResampleSource } from "./job.js";
import type { JobPlanner } from "./plan.js";

const { fround } = Math;
const [RED, GREEN, BLUE] = [fround(GREY_WEIGHTS[0]), fround(GREY_WEIGHTS[1]), fround(GREY_WEIGHTS[2])];
const SCALE = fround(TO_LEVEL);

/** Blends a level with another: `ratio` of the one, `rest` of the other, both float32. */
function blend(level: number, other: number, ratio: number, rest: number): number {
  const sum = fround(fround(ratio * level) + fround(rest * other));
  return Math.trunc(Math.min(255, Math.max(0, sum)));
}

function greyOf(red: number, green: number, blue: number): number {
  return Math.trunc(fround(fround(fround(RED * red) + fround(GREEN * green)) + fround(BLUE * blue)));
}

/** Float32 remainder with the sign of the divisor, 1. */
function fraction(value: number): number {
  const rest = value % 1;
  return rest < 0 ? fround(rest + 1) : rest;
}

/** Hue in 0..1 of a pixel (torchvision's `_rgb2hsv`), from its levels in 0..1 and their largest and smallest. */
function hueOf(r: number, g: number, b: number, most: number, range: number): number {
  const divisor = range === 0 ? 1 : range;
  const [rc, gc, bc] = [fround(most - r) / divisor, fround(most - g) / divisor, fround(most - b) / divisor].map(
    fround,
  ) as [number, number, number];
  let h = 0;
  if (most === r) h = fround(bc - gc);
  else if (most === g) h = fround(fround(2 + rc) - bc);
  else h = fround(fround(4 + gc) - rc);
  return fround(fround(fround(h / 6) + 1) % 1);
}

/** Level of a value in 0..1, cut to that range first. */
function levelOf(value: number): number {
  return Math.trunc(fround(Math.min(1, Math.max(0, value)) * SCALE));
}

/** Turns the hue of the pixel at `at` (torchvision's `_rgb2hsv` and `_hsv2rgb`, step by step in float32). */
function turnHue(bytes: Uint8Array, at: number, shift: number): void {
  const r = fround((bytes[at] as number) / 255);
  const g = fround((bytes[at + 1] as number) / 255);
  const b = fround((bytes[at + 2] as number) / 255);
  const v = Math.max(r, g, b);
  const range = fround(v - Math.min(r, g, b));
  const s = range === 0 ? 0 : fround(range / v);
  const h6 = fround(fraction(fround(hueOf(r, g, b, v, range) + shift)) * 6);
  const sector = Math.floor(h6);
  const f = fround(h6 - sector);
  const p = levelOf(fround(v * fround(1 - s)));
  const q = levelOf(fround(v * fround(1 - fround(s * f))));
  const t = levelOf(fround(v * fround(1 - fround(s * fround(1 - f)))));
  const top = levelOf(v);
  const red = [top, q, p, p, t, top][sector % 6] as number;
  const green = [t, top, top, q, p, p][sector % 6] as number;
  const blue = [p, p, t, top, top, q][sector % 6] as number;
  bytes[at] = red;
  bytes[at + 1] = green;
  bytes[at + 2] = blue;
}

/** Calls `change` with the offset of each pixel. */
function eachPixel({ offset, width, height, channels }: ResampleSource, change: (at: number) => void): void {
  const end = offset + width * height * channels;
  for (let at = offset; at < end; at += channels) change(at);
}

/** Mean of the grey levels, a float32 (`torch.mean` of the grey image; the sum is exact). */
function meanGrey(bytes: Uint8Array, image: ResampleSource): number {
  let sum = 0;
  eachPixel(image, (at) => {
    const level = bytes[at] as number;
    sum += image.channels === 1 ? level : greyOf(level, bytes[at + 1] as number, bytes[at + 2] as number);
  });
  return meanOf(sum, image);
}

/** The mean of so many levels whose sum is `sum`. */
export function meanOf(sum: number, { width, height }: ResampleSource): number {
  return fround(fround(sum) / fround(width * height));
}

/** Blends each pixel with what `other` gives for its offset, the same in all channels. */
function blendWith(bytes: Uint8Array, image: ResampleSource, factor: number, other: (at: number) => number): void {
  const [ratio, rest] = [fround(factor), fround(1 - factor)];
  eachPixel(image, (at) => {
    const value = other(at);
    for (let c = 0; c < image.channels; c++) bytes[at + c] = blend(bytes[at + c] as number, value, ratio, rest);
  });
}

function greyAt(bytes: Uint8Array, at: number): number {
  return greyOf(bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number);
}

/** The colour kernels in plain TypeScript. */
export function createPlainColour(planner: JobPlanner): ColourKernels {
  const check = (image: ResampleSource): Uint8Array => {
    const { bytes } = planner;
    checkImage(image, bytes.byteLength, planner.scratch);
    return bytes;
  };
  return {
    brightness(image, factor): void {
      checkFactor("brightness", factor, 0, Number.POSITIVE_INFINITY);
      blendWith(check(image), image, factor, () => 0);
    },
    contrast(image, factor): void {
      checkFactor("contrast", factor, 0, Number.POSITIVE_INFINITY);
      const bytes = check(image);
      const mean = meanGrey(bytes, image);
      blendWith(bytes, image, factor, () => mean);
    },
    saturation(image, factor): void {
      checkFactor("saturation", factor, 0, Number.POSITIVE_INFINITY);
      const bytes = check(image);
      if (image.channels === 3) blendWith(bytes, image, factor, (at) => greyAt(bytes, at));
    },
    hue(image, shift): void {
      checkFactor("hue", shift, -0.5, 0.5);
      const bytes = check(image);
      if (image.channels === 3) eachPixel(image, (at) => turnHue(bytes, at, fround(shift)));
    },
    grayscale(image): void {
      const bytes = check(image);
      if (image.channels === 3) eachPixel(image, (at) => bytes.fill(greyAt(bytes, at), at, at + 3));
    },
  };
}
