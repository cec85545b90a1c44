import { JPEG_REFUSALS, jpegSegmentColumns, type JpegRefusal, type TypedArray } from "@millrace/formats";
import { z } from "zod";
import type { SeekableImage } from "./prepare.js";

/** How many images of a shard, or of a dataset, keep the bytes of their source in mode `seekable`, for one reason. */
export type NotSeekable = readonly [reason: JpegRefusal, images: number];

/** The zod schema of {@link NotSeekable}. */
export const notSeekableSchema: z.ZodType<NotSeekable> = z.tuple([z.enum(JPEG_REFUSALS), z.int().min(1)]);

/** Adds up counts; the reasons come in the order of `JPEG_REFUSALS`. */
export function sumNotSeekable(counts: Iterable<NotSeekable>): NotSeekable[] {
  const sums = new Map<JpegRefusal, number>();
  for (const [reason, images] of counts) sums.set(reason, (sums.get(reason) ?? 0) + images);
  return JPEG_REFUSALS.flatMap((reason): NotSeekable[] => {
    const images = sums.get(reason);
    return images === undefined ? [] : [[reason, images]];
  });
}

/** What mode `seekable` leaves behind beside the samples of a shard. */
export class SegmentIndexes {
  readonly #indexes: Uint8Array[] = [];
  readonly #refusals: JpegRefusal[] = [];

  /** Takes what was made of the next sample. */
  add({ index, refusal }: SeekableImage): void {
    this.#indexes.push(index);
    if (refusal !== undefined) this.#refusals.push(refusal);
  }

  /** Samples that are not seekable. */
  get refused(): number {
    return this.#refusals.length;
  }

  /** The same by reason. */
  get notSeekable(): NotSeekable[] {
    return sumNotSeekable(this.#refusals.map((reason) => [reason, 1]));
  }

  /** The columns for the sidecar; none if no sample is seekable. */
  columns(field: string): Map<string, TypedArray> {
    return this.#refusals.length === this.#indexes.length ? new Map() : jpegSegmentColumns(field, this.#indexes);
  }
}
