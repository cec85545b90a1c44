import { OptionError } from "@millrace/formats/shard";
import { shownValue } from "../shown-value.js";
import { crop, scaleTo, type Geometry } from "./geometry.js";
import { sizeOf, type ImageSize } from "./image-size.js";

/** The image at a given size; see {@link resize}. */
export interface Resize {
  readonly kind: "resize";
  /** Rows of the result. */
  readonly height: number;
  /** Columns of the result. */
  readonly width: number;
  /**
   * `cover`: keeps the aspect ratio and cuts off what is too much, evenly on both sides; `fill`: stretches; `outside`:
   * keeps the aspect ratio and all of the image, so that one side is longer than asked for.
   */
  readonly fit: "cover" | "fill" | "outside";
}

/** What {@link resize} takes beside the size. */
export interface ResizeOptions {
  /** Default `cover`. */
  readonly fit?: Resize["fit"] | undefined;
}

/**
 * Resizes to `size` (a side, or `[height, width]`), antialiased. `fit` is `cover` (default), which keeps the aspect
 * ratio and the centre; `fill`, which stretches; or `outside`, which keeps the aspect ratio and the whole image, so that
 * a crop has to follow: `resize(256, { fit: "outside" }), centerCrop(224)` is the usual evaluation of ImageNet, to the
 * pixel where torchvision takes it from. `resize(256), centerCrop(224)` is the same but for a part of a pixel.
 * @throws {@link OptionError} for an impossible size or fit.
 */
export function resize(size: ImageSize, options: ResizeOptions = {}): Resize {
  const [height, width] = sizeOf("resize", size);
  const { fit = "cover" } = options;
  if (fit === "cover" || fit === "fill" || fit === "outside") return { kind: "resize", height, width, fit };
  throw new OptionError({
    option: "transforms",
    problem: "resize: the fit is impossible",
    expected: "cover | fill | outside",
    found: shownValue(fit),
  });
}

/** `[height, width]` of what {@link Resize} makes of an image of `columns x rows`; a longer side is cut to whole pixels. */
export function resizedSize(
  { height, width, fit }: Resize,
  columns: number,
  rows: number,
): readonly [height: number, width: number] {
  if (fit !== "outside") return [height, width];
  return columns * height < rows * width
    ? [Math.floor((rows * width) / columns), width]
    : [height, Math.floor((columns * height) / rows)];
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
  const [rows, columns] = resizedSize(transform, geometry.columns, geometry.rows);
  scaleTo(geometry, columns, rows);
}
