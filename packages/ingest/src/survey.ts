import { ImageError, SourceError, type Encoding, type Field, type Schema } from "@millrace/formats";
import { decodeImage, imageHeader, imageOrientation, type ImageHeader } from "@millrace/image";
import { inOrder } from "./in-flight.js";
import type { ResolvedOptions } from "./options.js";
import type { PrepareOptions } from "./prepare.js";
import type { Listing, Source, SourceItem } from "./sources/source.js";

/** Files whose first bytes are read at a time. */
const IN_FLIGHT = 16;
/** The first holds the header of most images, the second of all but those with huge profiles in front. */
const HEAD_BYTES: readonly number[] = [2 ** 12, 2 ** 18];
/** The encodings that a field can promise for all its samples. */
const PURE: readonly string[] = ["jpeg", "png", "webp"];

/**
 * Decides how the images of a listing become samples, as far as their content has a say: in the modes `encoded` and
 * `seekable` the field's encoding is `jpeg`, `png` or `webp` if the first bytes of all images say so (their names don't count) and else
 * `image`; in mode `raw` without a size, the size that all of them have, if they have one. Files that are not images are
 * left to be rejected later.
 * @throws SourceError in mode `raw` without a size if there is no image.
 */
export async function surveyImages(
  source: Source,
  listing: Listing,
  options: Pick<ResolvedOptions, "mode" | "size" | "signal">,
): Promise<PrepareOptions> {
  const { mode, size, signal } = options;
  if (mode !== "raw") return { mode, encoding: await encodingOf(source, listing, signal) };
  if (size !== undefined) return { mode, shape: [size, size], resize: true };
  return { mode, shape: await shapeOf(source, listing, signal), resize: false };
}

/** The fields of an image dataset: `image`, `label` and `key`. */
export function schemaOf(prepare: PrepareOptions): Schema {
  return {
    fields: [
      imageField(prepare),
      { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      { name: "key", kind: "string" },
    ],
  };
}

function imageField(prepare: PrepareOptions): Field {
  const name = "image";
  if (prepare.mode !== "raw") return { name, kind: "bytes", encoding: prepare.encoding };
  if (prepare.shape === undefined) return { name, kind: "ragged", dtype: "uint8", rank: 3 };
  return { name, kind: "tensor", dtype: "uint8", shape: [...prepare.shape, 3] };
}

interface SurveyedItem {
  readonly item: SourceItem;
  /** `undefined` if it is no image. */
  readonly header: SurveyedHeader | undefined;
}

interface SurveyedHeader extends ImageHeader {
  /** `undefined` where only decoding tells it. */
  readonly orientation: number | undefined;
}

async function encodingOf(source: Source, listing: Listing, signal: AbortSignal | undefined): Promise<Encoding> {
  const kinds = new Set<string>();
  for await (const { header } of headersOf(source, listing, signal)) {
    if (header !== undefined) kinds.add(header.encoding);
  }
  const [only] = kinds;
  return kinds.size === 1 && only !== undefined && PURE.includes(only) ? (only as Encoding) : "image";
}

/**
 * The size of all images as they are decoded, upright, or `undefined` if they differ. Only images whose headers do not
 * tell it are decoded, and those that would make all the difference, as they may be none.
 */
async function shapeOf(
  source: Source,
  listing: Listing,
  signal: AbortSignal | undefined,
): Promise<[height: number, width: number] | undefined> {
  let shape: [number, number] | undefined;
  for await (const { item, header } of headersOf(source, listing, signal)) {
    if (header === undefined) continue;
    if (shape !== undefined) {
      const upright = uprightOf(header);
      if (upright !== undefined && isSame(upright, shape)) continue;
      const stored = [header.height, header.width] as const;
      if (!isSame(stored, shape) && !isSame([header.width, header.height], shape)) return undefined;
    }
    const own = await decodedShape(source, item);
    if (own === undefined) continue;
    shape ??= own;
    if (!isSame(own, shape)) return undefined;
  }
  if (shape !== undefined) return shape;
  throw new SourceError({
    file: source.root,
    problem: `none of ${listing.items.length} files is an image that can be read`,
    found: listing.items[0]?.key,
    fix: "check the files",
  });
}

function isSame(one: readonly [number, number], other: readonly [number, number]): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

/** The size after EXIF orientation; `undefined` if the header does not tell it. */
function uprightOf({ width, height, orientation }: SurveyedHeader): [height: number, width: number] | undefined {
  if (width === height) return [height, width];
  if (orientation === undefined) return undefined;
  return orientation < 5 ? [height, width] : [width, height];
}

async function decodedShape(source: Source, item: SourceItem): Promise<[number, number] | undefined> {
  try {
    const { height, width } = await decodeImage(await source.open(item), { key: item.key });
    return [height, width];
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

function headersOf(source: Source, listing: Listing, signal: AbortSignal | undefined): AsyncIterable<SurveyedItem> {
  return inOrder(listing.items, IN_FLIGHT, async (item) => {
    signal?.throwIfAborted();
    return { item, header: await headerOf(source, item) };
  });
}

async function headerOf(source: Source, item: SourceItem): Promise<SurveyedHeader | undefined> {
  try {
    for (const length of HEAD_BYTES) {
      const head = await source.openHead(item, length);
      const header = tryHeader(head);
      if (header !== undefined || head.length < length) return header;
    }
    return tryHeader(await source.open(item));
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

function tryHeader(bytes: Uint8Array): SurveyedHeader | undefined {
  try {
    const header = imageHeader(bytes);
    return { ...header, orientation: imageOrientation(bytes, header) };
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}
