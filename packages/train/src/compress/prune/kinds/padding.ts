import type { Call } from "../calls.js";
import type { ChannelUse } from "./kind.js";

/** How a constant comes through the window of a layer: `same` and `causal` pad by zeros, unless the window is one pixel. */
export function foldOf({ config }: Call): ChannelUse["fold"] {
  const { padding, kernelSize } = config as { padding?: unknown; kernelSize?: unknown };
  const isPixel = [kernelSize ?? 1].flat().every((size) => size === 1);
  return padding === "valid" || padding === undefined || isPixel ? "exact" : "interior";
}
