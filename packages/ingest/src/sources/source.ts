/** Kinds of sources that can be converted. */
export const SOURCE_KINDS = ["image-folder"] as const;
/** Name of a kind of source. */
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** One raw sample of a source. */
export interface SourceItem {
  /** What {@link Source.open} needs to find it: relative to the source, with forward slashes. */
  readonly path: string;
  /** Index into {@link Listing.classes}. */
  readonly label: number;
  /** The split that the source puts it in; absent where the source has no splits. */
  readonly split?: string | undefined;
  /** Its name in the dataset; unique in the listing. */
  readonly key: string;
}

/** Why a listing left files out. */
export type IgnoredReason =
  | "hidden"
  | "not-an-image"
  | "outside-a-class"
  | "class-without-images"
  | "link-leads-out"
  | "link-to-folder"
  | "broken-link"
  | "special-file"
  | "name-not-utf8";

/** Files that a listing left out for one reason. */
export interface IgnoredFiles {
  readonly reason: IgnoredReason;
  readonly count: number;
  /** The first few in bytewise order, relative to the source. */
  readonly examples: readonly string[];
}

/** Everything a source holds, as plain data: the same on every machine that sees the same files. */
export interface Listing {
  readonly kind: SourceKind;
  /** The source's own splits, `train` first; empty where it has none. */
  readonly splits: readonly string[];
  /** Class names in bytewise order; a label is an index into them. */
  readonly classes: readonly string[];
  /** In bytewise order of their keys. */
  readonly items: readonly SourceItem[];
  /** What was left out, by reason. */
  readonly ignored: readonly IgnoredFiles[];
}

/** Which source, as plain data that a worker thread opens again. */
export interface SourceSpec {
  readonly kind: SourceKind;
  /** Absolute path of the folder or file. */
  readonly root: string;
}

/** Raw samples: a listing, and the bytes of each. */
export interface Source {
  readonly kind: SourceKind;
  /** Absolute path of the folder or file. */
  readonly root: string;
  /**
   * Reads the names, not the contents.
   * @throws SourceError if there is nothing to convert, with the way out; FileError if the system refuses.
   */
  list(signal?: AbortSignal): Promise<Listing>;
  /**
   * The encoded bytes of one item; their memory is the caller's.
   * @throws ImageError with reason `unreadable` or `too-large` if this item cannot be read; FileError if nothing can.
   */
  open(item: Pick<SourceItem, "path" | "key">): Promise<Uint8Array>;
  /**
   * The first `length` bytes of an item, or all of a shorter one.
   * @throws as {@link Source.open}.
   */
  openHead(item: Pick<SourceItem, "path" | "key">, length: number): Promise<Uint8Array>;
  /**
   * A text that changes when the item's bytes do, found without reading them: size and time of the last change, say.
   * It may differ between copies of the source. Of an item that is gone, another text.
   */
  stamp(item: Pick<SourceItem, "path" | "key">): Promise<string>;
}
