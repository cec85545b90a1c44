import { OptionError } from "@millrace/formats/shard";
import { shownValue } from "../shown-value.js";
import { centerCrop } from "./center-crop.js";
import { colorJitter } from "./color-jitter.js";
import { grayscale } from "./grayscale.js";
import { horizontalFlip } from "./horizontal-flip.js";
import { normalize } from "./normalize.js";
import { pad } from "./pad.js";
import { randomCrop } from "./random-crop.js";
import { randomResizedCrop } from "./random-resized-crop.js";
import { resize } from "./resize.js";
import type { Transform } from "./transform.js";
import { userTransform } from "./user-transform.js";
import { verticalFlip } from "./vertical-flip.js";

/** Kinds of transforms. */
export const TRANSFORM_KINDS = [
  "randomResizedCrop",
  "randomCrop",
  "centerCrop",
  "resize",
  "pad",
  "horizontalFlip",
  "verticalFlip",
  "colorJitter",
  "grayscale",
  "normalize",
  "user",
] as const;

/**
 * Checks a transform that came as plain data, by making it anew.
 * @throws {@link OptionError} if it is impossible or of no known kind.
 */
export function checkTransform(transform: Transform): Transform {
  switch (transform.kind) {
    case "randomResizedCrop":
      return randomResizedCrop([transform.height, transform.width], transform);
    case "randomCrop":
      return randomCrop([transform.height, transform.width], transform);
    case "pad":
      return pad(transform.padding, transform);
    case "verticalFlip":
      return verticalFlip(transform);
    case "colorJitter":
      return colorJitter(transform);
    case "grayscale":
      return grayscale(transform);
    case "centerCrop":
      return centerCrop([transform.height, transform.width]);
    case "resize":
      return resize([transform.height, transform.width], transform);
    case "horizontalFlip":
      return horizontalFlip(transform);
    case "normalize":
      return normalize(transform);
    case "user":
      return userTransform(transform);
    default:
      throw new OptionError({
        option: "transforms",
        problem: "is not a transform",
        expected: TRANSFORM_KINDS.join(" | "),
        found: shownValue(transform),
      });
  }
}
