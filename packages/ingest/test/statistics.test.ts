import { ChannelSummer, statisticsOf, type ChannelSums } from "@millrace/ingest";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

function sumsOf(images: readonly Uint8Array[], channels = 3): ChannelSums {
  const summer = new ChannelSummer(channels);
  for (const image of images) summer.add(image);
  return summer.toData();
}

const images = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Uint8Array.from([...bytes, ...bytes, ...bytes])),
  { minLength: 1, maxLength: 12 },
);

describe("mean and standard deviation of the channels", () => {
  it("are those of all pixels, as fractions of 255", () => {
    const statistics = statisticsOf("image", [sumsOf([Uint8Array.of(0, 255, 51), Uint8Array.of(255, 255, 51)])]);
    expect(statistics).toEqual({ field: "image", values: 2, mean: [0.5, 1, 0.2], std: [0.5, 0, 0] });
  });

  it("are the same, to the last bit, however the images are divided and ordered", () => {
    fc.assert(
      fc.property(images, fc.nat({ max: 12 }), fc.nat({ max: 12 }), (all, a, b) => {
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        const parts = [all.slice(first, second), all.slice(second), all.slice(0, first)].map((part) => sumsOf(part));
        expect(statisticsOf("image", parts)).toEqual(statisticsOf("image", [sumsOf(all)]));
      }),
      { numRuns: count(200, 5000), seed: SEED },
    );
  });

  it("agree with the plain formula", () => {
    fc.assert(
      fc.property(images, (all) => {
        const values = all.flatMap((image) => [...image].filter((_, i) => i % 3 === 1)).map((value) => value / 255);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
        const found = statisticsOf("image", [sumsOf(all)]);
        expect(found?.mean[1]).toBeCloseTo(mean, 10);
        expect(found?.std[1]).toBeCloseTo(Math.sqrt(variance), 6);
      }),
      { numRuns: count(100, 2000), seed: SEED },
    );
  });

  it("stay exact where sums pass 2^53", () => {
    const pixels = 10n ** 16n + 1n;
    const part = { pixels: String(pixels), sums: [String(pixels * 255n)], squares: [String(pixels * 255n * 255n)] };
    expect(statisticsOf("image", [part, part])).toMatchObject({ mean: [1], std: [0] });
  });

  it("are null without a pixel", () => {
    expect(statisticsOf("image", [])).toBeNull();
    expect(statisticsOf("image", [sumsOf([])])).toBeNull();
  });
});
