const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** The bits of 0.5: added to a magnitude that is a subnormal float16, it moves the bits of the result to the bottom. */
const SUBNORMAL_MAGIC = 0x3f000000;
/** Smallest float32 that is a normal float16, 2^-14. */
const SMALLEST_NORMAL = 0x38800000;
/** 2^16, from which on everything is infinite. */
const TOO_LARGE = 0x47800000;
const INFINITE = 0x7c00;
const NAN = 0x7e00;

/**
 * The bits of the float16 nearest to a float32, ties to even. The steps are those of the SIMD kernel, after Fabian
 * Giesen's `float_to_half_fast3_rtne` (https://gist.github.com/rygorous/2156668).
 */
export function halfBits(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= TOO_LARGE) return sign | (magnitude > 0x7f800000 ? NAN : INFINITE);
  if (magnitude < SMALLEST_NORMAL) {
    // The sum's lowest mantissa bits are the subnormal, rounded by the float32 addition itself.
    FLOAT[0] = Math.abs(value) + 0.5;
    return sign | ((BITS[0] as number) - SUBNORMAL_MAGIC);
  }
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}
