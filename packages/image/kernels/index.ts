// Entry points of the kernels. All state lies at addresses that the caller passes: there is no static data, because
// several instances, each in its own thread, share one memory.

import { bytesGrey, bytesRgb, floatsGrey, floatsRgb } from "./columns";
import { convertRow } from "./convert";
import { blendRows } from "./rows";
import { halveRow, spreadRow } from "./spread";

export { blendRun, greyRun, saturateRun, sumGreyRun, sumRun } from "./colour";
export { turnRun } from "./hue";

/**
 * Resizes by the two weight tables, row by row: `rowBytes` of each source row into `line`, `line` into the output, or
 * into `row` and from there into the output where its elements are float16 or its channels apart.
 */
export function resample(
  source: usize,
  sourceStride: usize,
  rowBytes: usize,
  channels: i32,
  rowStarts: usize,
  rowCounts: usize,
  rowWeights: usize,
  rowWeightBytes: usize,
  columnStarts: usize,
  columnWeights: usize,
  columnWeightBytes: usize,
  taps: i32,
  line: usize,
  row: usize,
  output: usize,
  width: i32,
  height: i32,
  flipVertical: i32,
  element: i32,
  planar: i32,
  factors: usize,
): void {
  const unit = f32x4.splat(<f32>(1.0 / 2097152.0));
  const scale = f32x4.mul(v128.load(factors), unit);
  const shift = v128.load(factors, 16);
  const plane = <usize>(width * height * element);
  const isDirect = !planar && element != 2;
  let stride = <usize>((planar ? width : width * channels) * element);
  if (flipVertical) {
    output += <usize>(height - 1) * stride;
    stride = 0 - stride;
  }
  for (let y = 0; y < height; y++) {
    const first = source + <usize>load<u32>(rowStarts) * sourceStride;
    blendRows(first, sourceStride, line, rowBytes, rowWeights, load<i32>(rowCounts));
    const to = isDirect ? output : row;
    if (element == 1) {
      if (channels == 3) bytesRgb(line, columnStarts, columnWeights, columnWeightBytes, taps, to, width);
      else bytesGrey(line, columnStarts, columnWeights, columnWeightBytes, taps, to, width);
      if (planar) convertRow(row, output, plane, width, 3, 0, 1, factors);
    } else {
      if (channels == 3) floatsRgb(line, columnStarts, columnWeights, columnWeightBytes, taps, to, width, scale, shift);
      else {
        const s = f32x4.extract_lane(scale, 0);
        const t = f32x4.extract_lane(shift, 0);
        floatsGrey(line, columnStarts, columnWeights, columnWeightBytes, taps, to, width, s, t);
      }
      if (planar) spreadRow(row, output, plane, width, element);
      else if (element == 2) halveRow(row, output, width * channels);
    }
    rowStarts += 4;
    rowCounts += 4;
    rowWeights += rowWeightBytes;
    output += stride;
  }
}

/**
 * Copies or converts rows of a box that has the output's size. Where the box sticks out of the source (`padded`), there
 * are `innerHeight` rows of `innerBytes` to take, behind `fillTop` rows and `fillLeft` bytes; `fill` is a filled row,
 * and behind it another one to put rows together in.
 */
export function convert(
  source: usize,
  sourceStride: usize,
  channels: i32,
  output: usize,
  width: i32,
  height: i32,
  flip: i32,
  flipVertical: i32,
  element: i32,
  planar: i32,
  factors: usize,
  padded: i32,
  fill: usize,
  fillLeft: usize,
  fillTop: i32,
  innerBytes: usize,
  innerHeight: i32,
): void {
  const plane: usize = planar ? <usize>(width * height * element) : 0;
  const rowBytes = <usize>(width * channels);
  const isShort = <u64>width * <u64>height < 1 << 30;
  if (!padded && !flip && !flipVertical && sourceStride == rowBytes && isShort) {
    // The rows follow one another: they are one row, whose columns an int32 can count.
    convertRow(source, output, plane, width * height, channels, 0, element, factors);
    return;
  }
  let stride = <usize>((planar ? width : width * channels) * element);
  if (flipVertical) {
    output += <usize>(height - 1) * stride;
    stride = 0 - stride;
  }
  for (let y = 0; y < height; y++) {
    let row = source;
    if (padded) {
      row = fill;
      if (y >= fillTop && y < fillTop + innerHeight) {
        row += rowBytes;
        memory.copy(row + fillLeft, source, innerBytes);
        source += sourceStride;
      }
    } else source += sourceStride;
    convertRow(row, output, plane, width, channels, flip, element, factors);
    output += stride;
  }
}
