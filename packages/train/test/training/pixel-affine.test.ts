import { pixelAffine } from "@millrace/train";
import { describe, expect, it } from "vitest";

describe("pixelAffine", () => {
  it("maps pixels to mean 0 and deviation 1, channel by channel", () => {
    const { scale, shift } = pixelAffine({ field: "image", values: 9, mean: [0.2, 0.5], std: [0.1, 0.25] }, 2);
    expect(255 * 0.3 * (scale[0] ?? 0) + (shift[0] ?? 0)).toBeCloseTo(1, 12);
    expect(255 * 0.25 * (scale[1] ?? 0) + (shift[1] ?? 0)).toBeCloseTo(-1, 12);
  });

  it("maps pixels to 0..1 without statistics", () => {
    expect(pixelAffine(undefined, 3)).toEqual({ scale: [1 / 255, 1 / 255, 1 / 255], shift: [-0, -0, -0] });
  });

  it("only shifts a channel that never varies", () => {
    expect(pixelAffine({ field: "image", values: 9, mean: [0.4], std: [0] }, 1)).toEqual({
      scale: [1 / 255],
      shift: [-0.4],
    });
  });
});
