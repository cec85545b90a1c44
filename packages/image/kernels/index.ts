// Entry points of the kernels. All state lies at addresses that the caller passes: there is no static data, because
// several instances, each in its own thread, share one memory.

import { bytesGrey, bytesRgb, floatsGrey, floatsRgb } from "./columns";
import { convertRow, copyBytes, mirrorBytes, mirrorRow } from "./convert";
import { blendRows } from "./rows";

/** Resizes by the two weight tables, row by row: `rowBytes` of each source row into `line`, `line` into the output. */
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
  output: usize,
  width: i32,
  height: i32,
  float: i32,
  factors: usize,
): void {
  const outputStride = <usize>(width * channels) << (float ? 2 : 0);
  const unit = f32x4.splat(<f32>(1.0 / 2097152.0));
  const scale = f32x4.mul(v128.load(factors), unit);
  const shift = v128.load(factors, 16);
  for (let y = 0; y < height; y++) {
    const first = source + <usize>load<u32>(rowStarts) * sourceStride;
    blendRows(first, sourceStride, line, rowBytes, rowWeights, load<i32>(rowCounts));
    if (float) {
      if (channels == 3)
        floatsRgb(line, columnStarts, columnWeights, columnWeightBytes, taps, output, width, scale, shift);
      else {
        const s = f32x4.extract_lane(scale, 0);
        const t = f32x4.extract_lane(shift, 0);
        floatsGrey(line, columnStarts, columnWeights, columnWeightBytes, taps, output, width, s, t);
      }
    } else if (channels == 3) bytesRgb(line, columnStarts, columnWeights, columnWeightBytes, taps, output, width);
    else bytesGrey(line, columnStarts, columnWeights, columnWeightBytes, taps, output, width);
    rowStarts += 4;
    rowCounts += 4;
    rowWeights += rowWeightBytes;
    output += outputStride;
  }
}

/** Copies or converts rows of a box that has the output's size. */
export function convert(
  source: usize,
  sourceStride: usize,
  channels: i32,
  output: usize,
  width: i32,
  height: i32,
  flip: i32,
  float: i32,
  factors: usize,
): void {
  const outputStride = <usize>(width * channels) << (float ? 2 : 0);
  for (let y = 0; y < height; y++) {
    if (float) {
      if (flip) mirrorRow(source, output, width, channels, factors);
      else convertRow(source, output, width, channels, factors);
    } else if (flip) mirrorBytes(source, output, width, channels);
    else copyBytes(source, output, <usize>(width * channels));
    source += sourceStride;
    output += outputStride;
  }
}
