/*
 * IEEE 754 binary16: 1 bit sign, 5 bits exponent (bias 15), 10 bits fraction. Exponent 0: numbers below 2^-14 in steps
 * of 2^-24. Exponent 31: infinities and NaN.
 */

/** The largest finite number of half precision. */
export const MAX_FLOAT16 = 65504;

/** The step of the smallest numbers is 1 / 2^24. */
const SUBNORMAL = 2 ** 24;

/**
 * The bits of numbers rounded to half precision, to the even neighbour where two are as near. Numbers of 65520 and more
 * become infinities.
 */
export function toFloat16(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const half = new Uint16Array(numbers.length);
  for (let i = 0; i < half.length; i++) {
    const all = bits[i] as number;
    const sign = (all >>> 16) & 0x8000;
    const magnitude = all & 0x7fffffff;
    half[i] = sign | (magnitude < 0x38800000 ? subnormal(numbers[i] as number) : normal(magnitude));
  }
  return half;
}

/** Of a number below 2^-14; rounded up to 2^-14, the result is the bits of that. */
function subnormal(value: number): number {
  const steps = Math.abs(value) * SUBNORMAL;
  const floor = Math.floor(steps);
  const rest = steps - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Of the bits of a float32 from 2^-14 up: the exponent loses its other bias, the fraction 13 bits. */
function normal(magnitude: number): number {
  if (magnitude > 0x7f800000) return 0x7e00;
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return rounded >= 0x47800000 ? 0x7c00 : (rounded - 0x38000000) >>> 13;
}

/** The numbers of half precision that these bits are. */
export function fromFloat16(half: Uint16Array): Float32Array {
  const numbers = new Float32Array(half.length);
  for (let i = 0; i < half.length; i++) {
    const all = half[i] as number;
    const exponent = (all >>> 10) & 31;
    const fraction = all & 1023;
    const magnitude =
      exponent === 0
        ? fraction / SUBNORMAL
        : exponent === 31
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    numbers[i] = all & 0x8000 ? -magnitude : magnitude;
  }
  return numbers;
}
