import type { Statistics } from "@millrace/formats";
import type { PixelAffine } from "../upload/host-tensor.js";

/**
 * The map of pixels 0 to 255 to mean 0 and standard deviation 1, or to 0..1 without statistics. A channel that never
 * varies is only shifted.
 */
export function pixelAffine(statistics: Statistics | undefined, channels: number): PixelAffine {
  const { mean = Array.from({ length: channels }, () => 0), std = Array.from({ length: channels }, () => 1) } =
    statistics ?? {};
  const deviation = std.map((value) => (value > 0 ? value : 1));
  return {
    scale: deviation.map((value) => 1 / (255 * value)),
    shift: mean.map((value, channel) => -value / (deviation[channel] ?? 1)),
  };
}
