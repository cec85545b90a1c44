import { BTREE2_TYPES, walkBtree2 } from "./btree2.js";
import type { Cursor } from "./cursor.js";
import { readDataspace } from "./dataspace.js";
import { readDatatype, type ElementType } from "./datatype.js";
import { openFractalHeap } from "./fractal-heap.js";
import type { GlobalHeap } from "./global-heap.js";
import { MESSAGES, type ObjectHeader } from "./object-header.js";
import { decodeText, trimPadding } from "./text.js";

/** Bits of a version 2 attribute's flags: its datatype or dataspace stands elsewhere. */
const SHARED_PARTS = 0x03;
/** All texts together; a data set's class names fit, a bomb does not. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

/** The attributes of an object that are one text each, by name. Others are left out. */
export function readTextAttributes(heap: GlobalHeap, header: ObjectHeader): Map<string, string> {
  const { metadata } = heap;
  const texts = new Map<string, string>();
  let left = MAX_TEXT_BYTES;
  const add = (message: Cursor): void => {
    const attribute = readAttribute(message);
    if (attribute === undefined) return;
    const bytes = textOf(heap, attribute, left);
    if (bytes === undefined) return;
    left -= bytes.length;
    texts.set(attribute.name, decodeText(bytes, metadata.path, attribute.data.position));
  };
  for (const message of header.messages) {
    if (message.type === MESSAGES.attribute && !message.shared) add(message.body());
    if (message.type === MESSAGES.attributeInfo) {
      for (const dense of denseAttributes(heap, message.body())) add(dense);
    }
  }
  return texts;
}

interface Attribute {
  readonly name: string;
  readonly type: ElementType;
  readonly data: Cursor;
}

/**
 * ```text
 * 0  version              1
 * 1  flags                1   reserved in version 1
 * 2  bytes of the name    2
 * 4  of the datatype      2
 * 6  of the dataspace     2
 *    character set        1   version 3
 *    name, datatype, dataspace, each padded to 8 in version 1
 *    data
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.2.m. Only attributes of one element are returned.
 */
function readAttribute(message: Cursor): Attribute | undefined {
  const version = message.version(1, 2, 3);
  const flags = message.u8();
  if (version > 1 && (flags & SHARED_PARTS) !== 0) return undefined;
  const sizes = [message.u16(), message.u16(), message.u16()] as const;
  if (version === 3) message.skip(1);
  const [nameBytes, type, space] = sizes.map((bytes) => {
    const part = message.sub(bytes);
    if (version === 1) message.skip(Math.min((8 - (bytes % 8)) % 8, message.left));
    return part;
  }) as [Cursor, Cursor, Cursor];
  const { shape } = readDataspace(space);
  if (shape === undefined || shape.some((extent) => extent !== 1)) return undefined;
  const name = decodeText(trimPadding(nameBytes.bytes, "terminated"), message.dialect.path, nameBytes.position);
  return { name, type: readDatatype(type), data: message.sub(message.left) };
}

/** The bytes of a text attribute, or `undefined` if it is no text. */
function textOf(heap: GlobalHeap, attribute: Attribute, limit: number): Uint8Array | undefined {
  const { type, data } = attribute;
  if (type.kind === "text") return trimPadding(data.take(type.bytes), type.padding);
  if (type.kind !== "variable" || type.base !== undefined) return undefined;
  const { position, bytes } = heap.locate(data, 1);
  if (bytes > limit) data.fail("the attributes are too long", `at most ${MAX_TEXT_BYTES} bytes`);
  return heap.metadata.file.read(position, bytes, "an attribute");
}

/** Version 1, flags 1, largest order 2 if flags & 1, heap O, tree by name O. Source: section IV.A.2.v. */
function* denseAttributes(heap: GlobalHeap, info: Cursor): Generator<Cursor> {
  info.version(0);
  if ((info.u8() & 1) !== 0) info.skip(2);
  const heapAddress = info.address();
  const tree = info.address();
  if (heapAddress === undefined || tree === undefined) return;
  const fractal = openFractalHeap(heap.metadata, heapAddress);
  for (const record of walkBtree2(heap.metadata, tree, BTREE2_TYPES.attributeName)) yield fractal.object(record.sub(8));
}
