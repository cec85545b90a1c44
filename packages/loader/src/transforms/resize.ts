import { crop, scaleTo, type Geometry } from "./geometry.js";
import { sizeOf, type ImageSize } from "./image-size.js";

/** The image at a given size; see {@link resize}. */
export interface Resize {
  readonly kind: "resize";
  readonly height: number;
  readonly width: number;
  /** `cover`: keeps the aspect ratio and cuts off what is too much, evenly on both sides; `fill`: stretches. */
  readonly fit: "cover" | "fill";
}

/**
 * Resizes to `size` (a side, or `[height, width]`), antialiased. `fit` is `cover` (default), which keeps the aspect
 * ratio and the centre, or `fill`, which stretches. `resize(256), centerCrop(224)` is the usual evaluation of ImageNet.
 * @throws {@link OptionError} for an impossible size.
 */
export function resize(size: ImageSize, options: { readonly fit?: "cover" | "fill" | undefined } = {}): Resize {
  const [height, width] = sizeOf("resize", size);
  return { kind: "resize", height, width, fit: options.fit ?? "cover" };
}

/** Shows the image so far at the size of `transform`. */
export function applyResize(transform: Resize, geometry: Geometry): void {
  const { height, width, fit } = transform;
  if (fit === "cover") {
    const scale = Math.min(geometry.columns / width, geometry.rows / height);
    const columns = width * scale;
    const rows = height * scale;
    crop(geometry, (geometry.columns - columns) / 2, (geometry.rows - rows) / 2, columns, rows);
  }
  scaleTo(geometry, width, height);
}
