import {
  ImageError,
  SourceError,
  transcodeSeekable,
  type Encoding,
  type JpegRefusal,
  type Sample,
} from "@millrace/formats";
import { decodeImage, imageHeader } from "@millrace/image";
import type { PlannedItem } from "./plan.js";

/** How one image becomes a sample: plain data. */
export type PrepareOptions =
  | {
      /** `seekable`: JPEGs are rewritten so that parts of them can be decoded; others, and what cannot be, are kept. */
      readonly mode: "encoded" | "seekable";
      /** `image`: any kind; else every image must be of this one. */
      readonly encoding: Encoding;
    }
  | {
      readonly mode: "raw";
      /** `[height, width]` of every sample. */
      readonly shape: readonly [height: number, width: number];
      /** True to bring images to that shape (height and width are equal then); false to refuse others. */
      readonly resize: boolean;
    };

/** A sample, and its pixels for the statistics. */
export interface PreparedImage {
  readonly sample: Sample;
  /** uint8 `[height, width, 3]`. */
  readonly pixels: Uint8Array;
  /** In mode `seekable`: the index of the JPEG's segments, or why it has none. */
  readonly seekable?: SeekableImage | undefined;
}

/** What mode `seekable` made of an image. */
export interface SeekableImage {
  /** For the sidecar; of 0 bytes if the image is not seekable. */
  readonly index: Uint8Array;
  /** Why the bytes were kept as they are; `not-jpeg` for other encodings. */
  readonly refusal?: JpegRefusal | undefined;
}

/**
 * Makes a sample of the encoded bytes of one image: the fields `image`, `label` and `key`. In either mode the image is
 * decoded completely, which proves that it is whole.
 * @throws ImageError with a reason code if it cannot be used; SourceError if it is of another size than the dataset's
 * samples and none was asked for.
 */
export async function prepareImage(
  bytes: Uint8Array,
  item: PlannedItem,
  options: PrepareOptions,
): Promise<PreparedImage> {
  const { key } = item;
  if (options.mode !== "raw") checkEncoding(bytes, key, options.encoding);
  const size = options.mode === "raw" && options.resize ? options.shape[0] : undefined;
  const { data, height, width } = await decodeImage(bytes, { key, size });
  if (options.mode === "raw") checkShape(options.shape, [height, width], key);
  const kept = options.mode === "raw" ? data : bytes;
  const { image, seekable }: { readonly image: Uint8Array; readonly seekable?: SeekableImage } =
    options.mode === "seekable" ? seekableOf(bytes) : { image: kept };
  const sample = new Map<string, Uint8Array | Int32Array | string>([
    ["image", image],
    ["label", Int32Array.of(item.label)],
    ["key", key],
  ]);
  return { sample, pixels: data, seekable };
}

function seekableOf(bytes: Uint8Array): { readonly image: Uint8Array; readonly seekable: SeekableImage } {
  const made = transcodeSeekable(bytes);
  if (made.kind === "seekable") return { image: made.bytes, seekable: { index: made.index } };
  return { image: bytes, seekable: { index: new Uint8Array(0), refusal: made.reason } };
}

/** Fails only if the file has changed since the survey that chose the encoding. */
function checkEncoding(bytes: Uint8Array, key: string, encoding: Encoding): void {
  if (encoding === "image") return;
  const found = imageHeader(bytes, { key }).encoding;
  if (found === encoding) return;
  throw new ImageError({
    key,
    reason: "other-encoding",
    problem: "is of another encoding than all other images",
    expected: encoding,
    found,
    fix: "begin the conversion anew, so that its field image takes any encoding",
  });
}

function checkShape(expected: readonly [number, number], found: readonly [number, number], key: string): void {
  if (expected[0] === found[0] && expected[1] === found[1]) return;
  throw otherSize(key, expected, found);
}

/** Images differ in size, and no size was asked for to bring them to. */
export function otherSize(
  key: string,
  expected: readonly [height: number, width: number],
  found: readonly [height: number, width: number],
): SourceError {
  return new SourceError({
    key,
    problem: "mode raw without a size needs images of one size",
    expected: `${expected.join(" x ")} pixels (height x width, upright)`,
    found: found.join(" x "),
    fix: "give a size (--size N), or keep the bytes with mode encoded",
  });
}
