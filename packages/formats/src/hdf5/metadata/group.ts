import { BTREE1_TYPES, walkBtree1 } from "./btree1.js";
import { BTREE2_TYPES, walkBtree2 } from "./btree2.js";
import type { Cursor } from "./cursor.js";
import { openFractalHeap } from "./fractal-heap.js";
import type { MetadataFile } from "./metadata-file.js";
import { MESSAGES, type ObjectHeader } from "./object-header.js";

/** Names of the members of a group, with the addresses of their object headers. */
export type Links = ReadonlyMap<string, number>;

const UTF8 = new TextDecoder("utf-8");
const HARD_LINK = 0;
/** `cacheType` of a symbol table entry that is a soft link. */
const SOFT_LINK_ENTRY = 2;

/**
 * The hard links of a group: from the symbol table of old files, and from link messages in the header or in a fractal
 * heap. Soft and external links are left out: an external link names another file, which data may not do.
 */
export function readLinks(metadata: MetadataFile, header: ObjectHeader): Links {
  const links = new Map<string, number>();
  for (const message of header.messages) {
    if (message.type === MESSAGES.link) readLink(message.body(), links);
    if (message.type === MESSAGES.linkInfo) readDenseLinks(metadata, message.body(), links);
    if (message.type === MESSAGES.symbolTable) readSymbolTable(metadata, message.body(), links);
  }
  return links;
}

/** True if the header is one of a group. */
export function isGroup(header: ObjectHeader): boolean {
  return header.messages.some(({ type }) => type === MESSAGES.linkInfo || type === MESSAGES.symbolTable);
}

/**
 * ```text
 * 0  version          1
 * 1  flags            1
 *    type             1   if flags & 8
 *    creation order   8   if flags & 4
 *    character set    1   if flags & 16
 *    bytes of name    1 << (flags & 3)
 *    name
 *    address          O   of a hard link
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.2.g.
 */
function readLink(link: Cursor, links: Map<string, number>): void {
  link.version(1);
  const flags = link.u8();
  const type = (flags & 8) === 0 ? HARD_LINK : link.u8();
  if ((flags & 4) !== 0) link.skip(8);
  if ((flags & 16) !== 0) link.skip(1);
  const name = UTF8.decode(link.take(link.uint(1 << (flags & 3))));
  if (type !== HARD_LINK) return;
  links.set(name, link.address() ?? link.fail("a link without an address"));
}

/** Version 1, flags 1, largest order 8 if flags & 1, heap O, tree by name O. Source: section IV.A.2.c. */
function readDenseLinks(metadata: MetadataFile, info: Cursor, links: Map<string, number>): void {
  info.version(0);
  if ((info.u8() & 1) !== 0) info.skip(8);
  const heapAddress = info.address();
  const tree = info.address();
  if (heapAddress === undefined || tree === undefined) return;
  const heap = openFractalHeap(metadata, heapAddress);
  for (const record of walkBtree2(metadata, tree, BTREE2_TYPES.linkName)) {
    record.skip(4);
    readLink(heap.object(record), links);
  }
}

/**
 * ```text
 * message           local heap             leaf of the tree            its entries
 *  tree   O          0  HEAP      4         0  SNOD        4            offset of the name   O
 *  heap   O          4  version   4         4  version     2            object header        O
 *                    8  bytes     L         6  entries     2            cache type           4
 *                       free      L                                     reserved             4
 *                       names     O                                     scratch             16
 * ```
 *
 * Source: HDF5 file format specification 3.0, sections III.B to III.D.
 */
function readSymbolTable(metadata: MetadataFile, message: Cursor, links: Map<string, number>): void {
  const { offsetBytes, lengthBytes } = metadata;
  const tree = message.address() ?? message.fail("a group without a tree");
  const heapAddress = message.address() ?? message.fail("a group without a heap");
  const heap = metadata.block(heapAddress, 8 + 2 * lengthBytes + offsetBytes, "a local heap");
  heap.signature("HEAP");
  heap.skip(4);
  const bytes = heap.length();
  heap.skip(lengthBytes);
  const names = metadata.block(heap.address() ?? heap.fail("a heap without data"), bytes, "the names of a group");
  walkBtree1(metadata, tree, BTREE1_TYPES.group, lengthBytes, (_, child) => {
    const head = metadata.block(child, 8, "a symbol table node");
    head.signature("SNOD");
    head.skip(2);
    const entries = head.u16();
    const node = metadata.block(child + 8, entries * (2 * offsetBytes + 24), "a symbol table node");
    for (let i = 0; i < entries; i++) {
      const offset = node.uint(offsetBytes);
      const address = node.address();
      const cacheType = node.u32();
      node.skip(20);
      if (cacheType !== SOFT_LINK_ENTRY && address !== undefined) links.set(nameAt(names, offset), address);
    }
  });
}

function nameAt(names: Cursor, offset: number): string {
  const end = names.bytes.indexOf(0, offset);
  if (end < 0 || offset > names.bytes.length) names.fail("a name lies outside of its heap");
  return UTF8.decode(names.bytes.subarray(offset, end));
}
