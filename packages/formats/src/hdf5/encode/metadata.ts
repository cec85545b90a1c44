import { encodeDataset, type NewDataset } from "./dataset.js";
import { encodeHeapCollection } from "./global-heap.js";
import { encodeGroup, type NewAttribute } from "./group.js";
import { encodeSuperblock } from "./superblock.js";

/** What describes a file. */
export interface EncodedMetadata {
  /** For the beginning of the file. */
  readonly superblock: Buffer;
  /** For the end of the file, from the position on for which it was made. */
  readonly tail: Buffer;
}

/**
 * All metadata of a file whose elements end at `position`: object headers of version 2 with checksums, links and
 * attributes in the headers of their groups, the attributes' texts in the global heap.
 *
 * ```text
 *  0          superblock, version 2
 *  64         elements of the datasets, and the trees of their chunks
 *  position   the collection of the heap
 *             object headers of the datasets
 *             object headers of the groups
 *             object header of the root
 * ```
 */
export function encodeMetadata(
  position: number,
  datasets: readonly NewDataset[],
  attributes: ReadonlyMap<string, string>,
): EncodedMetadata {
  const blocks: Buffer[] = [];
  let end = position;
  const place = (block: Buffer): number => {
    const address = end;
    const gap = (8 - (block.length % 8)) % 8;
    blocks.push(block, Buffer.alloc(gap));
    end += block.length + gap;
    return address;
  };
  const texts = placeTexts(attributes, place);
  const links = new Map<string, number>();
  const groups = new Map<string, Map<string, number>>();
  for (const dataset of datasets) {
    const [group, name] = dataset.path.split("/") as [string, string | undefined];
    const address = place(encodeDataset(dataset));
    if (name === undefined) {
      links.set(group, address);
      continue;
    }
    const members = groups.get(group) ?? new Map<string, number>();
    groups.set(group, members.set(name, address));
  }
  for (const [name, members] of groups) links.set(name, place(encodeGroup(members)));
  const root = place(encodeGroup(links, texts));
  return { superblock: encodeSuperblock(end, root), tail: Buffer.concat(blocks) };
}

/** Places the texts in one collection, which numbers its objects in 16 bits: more are refused before. */
function placeTexts(attributes: ReadonlyMap<string, string>, place: (block: Buffer) => number): NewAttribute[] {
  const entries = [...attributes].map(([name, text]) => ({ name, text: Buffer.from(text, "utf8") }));
  const collection = place(encodeHeapCollection(entries.map(({ text }) => text)));
  return entries.map(({ name, text }, i) => ({ name, bytes: text.length, collection, index: i + 1 }));
}
