import { MESSAGES } from "../metadata/object-header.js";
import { encodeTextDatatype } from "./datatype.js";
import { encodeObjectHeader, type NewMessage } from "./object-header.js";
import { pack, UNDEFINED_ADDRESS } from "./pack.js";

/** A text attribute, whose text is an object in the global heap. */
export interface NewAttribute {
  readonly name: string;
  /** Bytes of the text. */
  readonly bytes: number;
  /** Address of the heap's collection. */
  readonly collection: number;
  /** Number of the object in it. */
  readonly index: number;
}

/** A link says that its name is UTF-8, and takes four bytes for its length. */
const LINK_FLAGS = 0x12;
const UTF8 = 1;
/** A dataspace of one element without dimensions. */
const SCALAR = pack([1, 2], [1, 0], [1, 0], [1, 0]);

/** The object header of a group, which lists its members by the addresses of their headers. */
export function encodeGroup(links: ReadonlyMap<string, number>, attributes: readonly NewAttribute[] = []): Buffer {
  const nowhereElse = pack([1, 0], [1, 0], [8, UNDEFINED_ADDRESS], [8, UNDEFINED_ADDRESS]);
  return encodeObjectHeader([
    [MESSAGES.linkInfo, nowhereElse],
    [MESSAGES.groupInfo, pack([1, 0], [1, 0])],
    ...[...links].map(encodeLink),
    ...attributes.map(encodeAttribute),
  ]);
}

function encodeLink([name, address]: readonly [string, number]): NewMessage {
  const head = pack([1, 1], [1, LINK_FLAGS], [1, UTF8], [4, Buffer.byteLength(name)]);
  return [MESSAGES.link, pack(head, name, [8, address])];
}

function encodeAttribute({ name, bytes, collection, index }: NewAttribute): NewMessage {
  const type = encodeTextDatatype();
  const key = pack(name, [1, 0]);
  const head = pack([1, 3], [1, 0], [2, key.length], [2, type.length], [2, SCALAR.length], [1, UTF8]);
  return [MESSAGES.attribute, pack(head, key, type, SCALAR, [4, bytes], [8, collection], [4, index])];
}
