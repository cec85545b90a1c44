import { ImageError, type ErrorDetail } from "@millrace/formats/shard";

/**
 * Why an image was rejected, as `ImageError.detail.reason`: no bytes; not an encoding that is read; ends too early;
 * more pixels than allowed; anything else that is wrong with the bytes.
 */
export const REJECT_REASONS = ["empty", "unsupported", "truncated", "too-large", "corrupt"] as const;
/** One of {@link REJECT_REASONS}. */
export type RejectReason = (typeof REJECT_REASONS)[number];

/** What an error calls the image: the caller's names, passed on as they are. */
export interface ImagePlace {
  /** Path of the file. */
  readonly file?: string | undefined;
  /** Key of the sample. */
  readonly key?: string | undefined;
}

/** An {@link ImageError} with a {@link RejectReason}. */
export function imageError(
  reason: RejectReason,
  place: ImagePlace,
  detail: Omit<ErrorDetail, "reason" | "file" | "key">,
): ImageError {
  return new ImageError({ ...detail, reason, file: place.file, key: place.key });
}
