import type { PixelAffine } from "./host-tensor.js";

/**
 * Every value that a pixel can become: entry `pixel * channels + channel` is `pixel * scale + shift`, computed in
 * float32 as a device does, so that tables and devices agree to the bit.
 */
export interface PixelTable {
  readonly channels: number;
  readonly values: Float32Array;
}

/** The table of an affine map; without one, pixels stay 0 to 255. */
export function createPixelTable(channels: number, affine: PixelAffine | undefined): PixelTable {
  const values = new Float32Array(256 * channels);
  for (let channel = 0; channel < channels; channel++) {
    const scale = Math.fround(affine?.scale[channel] ?? 1);
    const shift = Math.fround(affine?.shift[channel] ?? 0);
    for (let pixel = 0; pixel < 256; pixel++)
      values[pixel * channels + channel] = Math.fround(Math.fround(pixel * scale) + shift);
  }
  return { channels, values };
}

/**
 * Writes the float of every pixel to `to`.
 * @param from - uint8 `[..., channels]`, from shared memory or not, at any offset.
 * @param to - As many floats as there are pixels.
 */
export function lookUpPixels(table: PixelTable, from: Uint8Array, to: Float32Array): void {
  const { channels, values } = table;
  const { length } = from;
  if (channels === 1) {
    for (let i = 0; i < length; i++) to[i] = values[from[i]!]!;
  } else if (channels === 3) {
    for (let i = 0; i < length; i += 3) {
      to[i] = values[from[i]! * 3]!;
      to[i + 1] = values[from[i + 1]! * 3 + 1]!;
      to[i + 2] = values[from[i + 2]! * 3 + 2]!;
    }
  } else {
    for (let i = 0; i < length; i += channels)
      for (let c = 0; c < channels; c++) to[i + c] = values[from[i + c]! * channels + c]!;
  }
}
