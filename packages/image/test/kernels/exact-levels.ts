import type { JobSpec } from "./workbench.js";

/** The triangle filter's value at `distance` source pixels from the centre, for a support of `support` pixels. */
const triangle = (distance: number, support: number): number => Math.max(0, 1 - Math.abs(distance) / support);

/** One axis: the weight of every source sample of the stretch for every output, straight from the definition. */
function axisWeights(from: number, length: number, outputs: number): { first: number; rows: number[][] } {
  const scale = length / outputs;
  const support = Math.max(1, scale);
  const first = Math.floor(from);
  const end = Math.max(first + 1, Math.ceil(from + length));
  const rows = Array.from({ length: outputs }, (_, i) => {
    const centre = from + (i + 0.5) * scale;
    const weights = Array.from({ length: end - first }, (__, s) => triangle(first + s + 0.5 - centre, support));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  });
  return { first, rows };
}

/**
 * The levels of a job's output `[height, width, channels]` in double precision, before rounding and normalising. Written
 * from the definition of the filter, and of nothing that the kernels use.
 */
export function exactLevels(spec: JobSpec, pixels: Uint8Array): Float64Array {
  const { box, channels } = spec;
  const columns = axisWeights(box.x, box.width, spec.outWidth);
  const rows = axisWeights(box.y, box.height, spec.outHeight);
  const levels = new Float64Array(spec.outWidth * spec.outHeight * channels);
  const { fill } = spec;
  const isCopy =
    Number.isInteger(box.x) && Number.isInteger(box.y) && box.width === spec.outWidth && box.height === spec.outHeight;
  let at = 0;
  for (let y = 0; y < spec.outHeight; y++) {
    const row = spec.flipVertical === true ? spec.outHeight - 1 - y : y;
    for (let x = 0; x < spec.outWidth; x++) {
      const column = spec.flip ? spec.outWidth - 1 - x : x;
      const [sourceX, sourceY] = [box.x + column, box.y + row];
      const isOutside = sourceX < 0 || sourceY < 0 || sourceX >= spec.width || sourceY >= spec.height;
      for (let c = 0; c < channels; c++, at++) {
        let sum = 0;
        if (fill !== undefined && isOutside) sum = fill[c] as number;
        else if (isCopy) sum = pixels[(sourceY * spec.width + sourceX) * channels + c] as number;
        else {
          rows.rows[row]?.forEach((rowWeight, r) => {
            if (rowWeight === 0) return;
            columns.rows[column]?.forEach((columnWeight, s) => {
              const from = ((rows.first + r) * spec.width + columns.first + s) * channels + c;
              sum += rowWeight * columnWeight * (pixels[from] as number);
            });
          });
        }
        levels[at] = sum;
      }
    }
  }
  return levels;
}
