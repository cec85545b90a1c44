import { FILTERS } from "../metadata/filter-message.js";
import { MESSAGES } from "../metadata/object-header.js";
import { elementBytes, encodeDatatype, type NewElement } from "./datatype.js";
import { encodeObjectHeader, type NewMessage } from "./object-header.js";
import { pack, UNDEFINED_ADDRESS, type PackedNumber } from "./pack.js";

/** A dataset whose elements are in the file already. */
export interface NewDataset {
  /** From the root, without the first slash; a slash inside separates its group. */
  readonly path: string;
  readonly element: NewElement;
  readonly shape: readonly number[];
  readonly storage: NewStorage;
}

/**
 * Where the elements are: in one run from `address` on; or in chunks of one row, each deflated at `level`, which the
 * tree at `address` lists. No address: nothing is stored.
 */
export type NewStorage =
  | { readonly kind: "contiguous"; readonly address: number | undefined }
  | { readonly kind: "deflated"; readonly address: number | undefined; readonly level: number };

const SIMPLE = 1;
const UNLIMITED = -1;
/** Fill value message of version 3: no value, which is zeros; its time of allocation is late or, of chunks, incremental. */
const FILL_LATE = 0x0a;
const FILL_INCREMENTAL = 0x0b;
const CONTIGUOUS = 1;
const CHUNKED = 2;
/** A chunk may be stored without this filter. */
const OPTIONAL = 1;

/** The object header of a dataset. Chunked ones may grow along the first dimension. */
export function encodeDataset({ element, shape, storage }: NewDataset): Buffer {
  const bytes = shape.reduce((product, extent) => product * extent, elementBytes(element));
  const address: PackedNumber = [8, storage.address ?? UNDEFINED_ADDRESS];
  const messages: NewMessage[] = [[MESSAGES.datatype, encodeDatatype(element)]];
  if (storage.kind === "contiguous") {
    messages.push(
      [MESSAGES.dataspace, encodeDataspace(shape)],
      [MESSAGES.fillValue, pack([1, 3], [1, FILL_LATE])],
      [MESSAGES.layout, pack([1, 3], [1, CONTIGUOUS], address, [8, bytes])],
    );
  } else {
    const chunk = [1, ...shape.slice(1), elementBytes(element)].map((extent): PackedNumber => [4, extent]);
    messages.push(
      [MESSAGES.dataspace, encodeDataspace(shape, [UNLIMITED, ...shape.slice(1)])],
      [MESSAGES.fillValue, pack([1, 3], [1, FILL_INCREMENTAL])],
      [MESSAGES.filters, pack([1, 2], [1, 1], [2, FILTERS.deflate], [2, OPTIONAL], [2, 1], [4, storage.level])],
      [MESSAGES.layout, pack([1, 3], [1, CHUNKED], [1, chunk.length], address, ...chunk)],
    );
  }
  return encodeObjectHeader(messages);
}

function encodeDataspace(shape: readonly number[], largest: readonly number[] = []): Buffer {
  const extents = [...shape, ...largest].map((extent): PackedNumber => [8, extent]);
  return pack([1, 2], [1, shape.length], [1, largest.length > 0 ? 1 : 0], [1, SIMPLE], ...extents);
}
