import {
  ImageError,
  SourceError,
  transcodeSeekable,
  type Encoding,
  type JpegRefusal,
  type Sample,
  type SampleValue,
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
      /** `[height, width]` of every sample; `undefined` if each may have its own. */
      readonly shape: readonly [height: number, width: number] | undefined;
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
  const size = options.mode === "raw" && options.resize ? options.shape?.[0] : undefined;
  const { data, height, width } = await decodeImage(bytes, { key, size });
  const seekable = options.mode === "seekable" ? seekableOf(bytes) : undefined;
  const sample = new Map<string, SampleValue>([
    ["image", options.mode === "raw" ? rawOf(options.shape, data, [height, width], key) : (seekable?.image ?? bytes)],
    ["label", Int32Array.of(item.label)],
    ["key", key],
  ]);
  return { sample, pixels: data, seekable: seekable?.seekable };
}

/** The pixels as a sample keeps them: with their size, unless all samples have the same. */
function rawOf(
  shape: readonly [height: number, width: number] | undefined,
  data: Uint8Array,
  size: readonly [height: number, width: number],
  key: string,
): SampleValue {
  if (shape === undefined) return { data, shape: [...size, 3] };
  if (shape[0] === size[0] && shape[1] === size[1]) return data;
  throw new SourceError({
    key,
    problem: "the image is of another size than those before, though its header is not",
    expected: `${shape.join(" x ")} pixels (height x width, upright)`,
    found: size.join(" x "),
    fix: "give a size (--size N), or keep the bytes with mode encoded",
  });
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
