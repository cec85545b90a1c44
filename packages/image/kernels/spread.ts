// The last step of a resampled row that is not to stay float32 with its channels interleaved.

import { halves } from "./lanes";

// @ts-ignore: decorator
@inline
function half(value: f32): u16 {
  return <u16>i32x4.extract_lane(halves(f32x4.splat(value)), 0);
}

/** `length` float32 to float16. */
export function halveRow(row: usize, output: usize, length: i32): void {
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    const at = row + (<usize>i << 2);
    v128.store(output + (<usize>i << 1), i16x8.narrow_i32x4_u(halves(v128.load(at)), halves(v128.load(at, 16))));
  }
  for (; i < length; i++) store<u16>(output + (<usize>i << 1), half(load<f32>(row + (<usize>i << 2))));
}

// Four float32 of a channel, or their float16.
// @ts-ignore: decorator
@inline
function put(output: usize, values: v128, element: i32): void {
  if (element == 4) v128.store(output, values);
  else v128.store64_lane(output, i16x8.narrow_i32x4_u(halves(values), halves(values)), 0);
}

// @ts-ignore: decorator
@inline
function spread(row: usize, output: usize, plane: usize, width: i32, element: i32): void {
  let x = 0;
  for (; x + 4 <= width; x += 4) {
    const a = v128.load(row);
    const b = v128.load(row, 16);
    const c = v128.load(row, 32);
    put(output, i32x4.shuffle(i32x4.shuffle(a, b, 0, 3, 6, 0), c, 0, 1, 2, 5), element);
    put(output + plane, i32x4.shuffle(i32x4.shuffle(a, b, 1, 4, 7, 0), c, 0, 1, 2, 6), element);
    put(output + 2 * plane, i32x4.shuffle(i32x4.shuffle(a, b, 2, 5, 0, 0), c, 0, 1, 4, 7), element);
    row += 48;
    output += 4 * element;
  }
  for (; x < width; x++) {
    for (let c: usize = 0; c < 3; c++) {
      const value = load<f32>(row + (c << 2));
      if (element == 4) store<f32>(output + c * plane, value);
      else store<u16>(output + c * plane, half(value));
    }
    row += 12;
    output += element;
  }
}

/** `width` RGB pixels of float32 to three planes, `plane` bytes apart, of elements of 2 or 4 bytes. */
export function spreadRow(row: usize, output: usize, plane: usize, width: i32, element: i32): void {
  if (element == 4) spread(row, output, plane, width, 4);
  else spread(row, output, plane, width, 2);
}
