import { readChunkTable } from "./chunk-index.js";
import type { ChunkTable } from "./chunk-table.js";
import { corrupt, type Cursor } from "./cursor.js";
import { readDataspace, type Dataspace } from "./dataspace.js";
import { readDatatype, type ElementType } from "./datatype.js";
import { readFillValue } from "./fill-message.js";
import { readFilters, type Filter } from "./filter-message.js";
import { readLayout, type ChunkedLayout } from "./layout-message.js";
import type { MetadataFile } from "./metadata-file.js";
import { MESSAGES, readObjectHeader, type HeaderMessage, type ObjectHeader } from "./object-header.js";

/** Elements in one run of the file. */
export interface ContiguousStorage {
  readonly kind: "contiguous";
  /** Byte of the file; `undefined` while nothing was written. */
  readonly position: number | undefined;
}

/** Elements in chunks, each encoded by the filters. */
export interface ChunkedStorage {
  readonly kind: "chunked";
  readonly chunkShape: readonly number[];
  /** `undefined` if there are too many chunks. */
  readonly table: ChunkTable | undefined;
  readonly filters: readonly Filter[];
}

/** Elements that are not read: they lie in other files, which data may not name, or in a way that is not known. */
export interface UnreadableStorage {
  readonly kind: "unreadable";
  readonly reason: string;
}

/** Where the elements of a dataset lie. */
export type Storage = ContiguousStorage | ChunkedStorage | UnreadableStorage;

/** What the file says of a dataset. */
export interface Dataset {
  /** From the root, without the first slash. */
  readonly path: string;
  readonly type: ElementType;
  /** `undefined` for a dataset without elements (the null space). */
  readonly shape: readonly number[] | undefined;
  readonly storage: Storage;
  /** An element that was never written, as it would lie in the file; `undefined`: zeros. */
  readonly fill: Buffer | undefined;
}

/** True if the header is one of a dataset. */
export function isDataset(header: ObjectHeader): boolean {
  return header.messages.some(({ type }) => type === MESSAGES.layout);
}

/** Reads what an object header says of a dataset, and where its elements lie; all extents lie in the file. */
export function readDataset(metadata: MetadataFile, path: string, header: ObjectHeader): Dataset {
  const space = readDataspace(required(metadata, header, MESSAGES.dataspace));
  const type = readDatatype(required(metadata, header, MESSAGES.datatype));
  const filling = find(header, MESSAGES.fillValue);
  const fill = filling === undefined ? undefined : readFillValue(bodyOf(metadata, filling));
  if (fill !== undefined && fill.length !== type.bytes)
    corrupt(metadata.path, metadata.base, "a fill value of the wrong size");
  return { path, type, shape: space.shape, storage: readStorage(metadata, header, space, type), fill };
}

function readStorage(metadata: MetadataFile, header: ObjectHeader, space: Dataspace, type: ElementType): Storage {
  if (find(header, MESSAGES.externalFiles) !== undefined)
    return { kind: "unreadable", reason: "its elements lie in other files" };
  const message = required(metadata, header, MESSAGES.layout);
  const layout = readLayout(message, metadata.base);
  if (layout.kind === "other") return { kind: "unreadable", reason: layout.name };
  if (layout.kind === "chunked") return readChunked(metadata, header, { layout, space, type });
  if (layout.position === undefined) return { kind: "contiguous", position: undefined };
  const bytes = (space.shape ?? [0]).reduce((product, extent) => product * extent, type.bytes);
  if (bytes > layout.bytes) message.fail("a dataset is larger than its place", `${layout.bytes}`, `${bytes}`);
  if (layout.position + bytes > metadata.file.size)
    message.fail("a dataset ends outside of the file", `${metadata.file.size}`, `${layout.position + bytes}`);
  return { kind: "contiguous", position: layout.position };
}

function readChunked(
  metadata: MetadataFile,
  header: ObjectHeader,
  { layout, space, type }: { layout: ChunkedLayout; space: Dataspace; type: ElementType },
): Storage {
  const { chunkShape } = layout;
  if (layout.elementBytes !== type.bytes || chunkShape.length !== space.shape?.length)
    return corrupt(metadata.path, metadata.base, "chunks that do not fit their dataset");
  const pipeline = find(header, MESSAGES.filters);
  const filters = pipeline === undefined ? [] : readFilters(bodyOf(metadata, pipeline));
  return { kind: "chunked", chunkShape, table: readChunkTable(metadata, layout, space, filters.length > 0), filters };
}

function find(header: ObjectHeader, type: number): HeaderMessage | undefined {
  return header.messages.find((message) => message.type === type);
}

function required(metadata: MetadataFile, header: ObjectHeader, type: number): Cursor {
  const message = find(header, type);
  if (message !== undefined) return bodyOf(metadata, message);
  return corrupt(metadata.path, metadata.base, "a dataset lacks a message", `type ${type}`);
}

/**
 * The bytes of a message, which for a named datatype stand in the header of that: version 1, type 1, then in version 1
 * reserved 6, then the address. Source: specification 3.0, section IV.A.2, "shared message".
 */
function bodyOf(metadata: MetadataFile, message: HeaderMessage): Cursor {
  const body = message.body();
  if (!message.shared) return body;
  const version = body.version(1, 2, 3);
  const place = body.u8();
  if (version === 1) body.skip(6);
  if (version === 3 && place === 1) body.fail("a message in the table of shared messages, which is not read");
  const address = body.address() ?? body.fail("a shared message without an address");
  const target = find(readObjectHeader(metadata, address), message.type);
  return target === undefined || target.shared ? body.fail("a shared message that is not there") : target.body();
}
