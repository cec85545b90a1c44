import { SampleError } from "@millrace/formats/shard";
import { crop, type Geometry } from "./geometry.js";
import { sizeOf, type ImageSize } from "./image-size.js";

/** The middle of the image; see {@link centerCrop}. */
export interface CenterCrop {
  readonly kind: "centerCrop";
  /** Rows of the result. */
  readonly height: number;
  /** Columns of the result. */
  readonly width: number;
}

/**
 * Keeps the middle of the image: `size` is a side, or `[height, width]`. Half of an odd
 * remainder is rounded to the even pixel, as torchvision does.
 * @throws {@link OptionError} for an impossible size.
 */
export function centerCrop(size: ImageSize): CenterCrop {
  const [height, width] = sizeOf("centerCrop", size);
  return { kind: "centerCrop", height, width };
}

/**
 * Keeps the middle of the image so far.
 * @throws {@link SampleError} if the image is smaller.
 */
export function applyCenterCrop(transform: CenterCrop, geometry: Geometry): void {
  const { height, width } = transform;
  if (geometry.columns < width || geometry.rows < height) {
    throw new SampleError({
      problem: "the image is smaller than the crop",
      expected: `at least ${width} x ${height}`,
      found: `${geometry.columns} x ${geometry.rows}`,
      fix: "put resize before centerCrop",
    });
  }
  crop(geometry, halfToEven(geometry.columns - width), halfToEven(geometry.rows - height), width, height);
}

/** Half of `count`, a half rounded to the even neighbour (Python's `round`). */
function halfToEven(count: number): number {
  const below = Math.floor(count / 2);
  return count % 2 === 0 ? below : below + (below % 2);
}
