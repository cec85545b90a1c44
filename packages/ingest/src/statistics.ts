import { z } from "zod";
import type { Statistics } from "@millrace/formats";

/** Exact sums over the pixels of some samples, as plain data. Sums of sums do not depend on their order. */
export interface ChannelSums {
  /** Pixels counted. */
  readonly pixels: string;
  /** Sum of the values of each channel. Decimal integers, as they pass 2^53. */
  readonly sums: readonly string[];
  /** Sum of the squares of the values of each channel. */
  readonly squares: readonly string[];
}

const Integer = z.string().regex(/^\d{1,40}$/u);

/** The zod schema of {@link ChannelSums}. */
export const channelSumsSchema: z.ZodType<ChannelSums> = z.strictObject({
  pixels: Integer,
  sums: z.array(Integer).max(16),
  squares: z.array(Integer).max(16),
});

/** Adds up the values of uint8 images, channels interleaved. */
export class ChannelSummer {
  #pixels = 0n;
  readonly #sums: bigint[];
  readonly #squares: bigint[];

  constructor(readonly channels: number) {
    this.#sums = Array.from({ length: channels }, () => 0n);
    this.#squares = Array.from({ length: channels }, () => 0n);
  }

  /** Counts one image `[height, width, channels]` of less than 2^36 pixels, so that its own sums stay exact. */
  add(data: Uint8Array): void {
    const { channels } = this;
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      let square = 0;
      for (let i = channel; i < data.length; i += channels) {
        const value = data[i] as number;
        sum += value;
        square += value * value;
      }
      this.#sums[channel] = (this.#sums[channel] as bigint) + BigInt(sum);
      this.#squares[channel] = (this.#squares[channel] as bigint) + BigInt(square);
    }
    this.#pixels += BigInt(data.length / channels);
  }

  /** What was counted so far. */
  toData(): ChannelSums {
    return { pixels: String(this.#pixels), sums: this.#sums.map(String), squares: this.#squares.map(String) };
  }
}

/**
 * Mean and population standard deviation of each channel, as fractions of 255. Every sum is an exact integer until the
 * last division, so the result is the same for any grouping and order of `parts`.
 * @returns `null` without a pixel.
 */
export function statisticsOf(field: string, parts: readonly ChannelSums[]): Statistics | null {
  const pixels = parts.reduce((sum, part) => sum + BigInt(part.pixels), 0n);
  if (pixels === 0n) return null;
  const channels = parts[0]?.sums.length ?? 0;
  const total = (key: "sums" | "squares", channel: number): bigint =>
    parts.reduce((sum, part) => sum + BigInt(part[key][channel] ?? 0), 0n);
  const scale = Number(pixels) * 255;
  const mean: number[] = [];
  const std: number[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const sum = total("sums", channel);
    mean.push(Number(sum) / scale);
    std.push(Math.sqrt(Number(pixels * total("squares", channel) - sum * sum)) / scale);
  }
  return { field, values: Number(pixels), mean, std };
}
