import type { Cursor } from "./cursor.js";
import type { MetadataFile } from "./metadata-file.js";

/** Where an object of the global heap lies. */
export interface HeapObject {
  /** Byte of the file. */
  readonly position: number;
  readonly bytes: number;
}

/** Collections whose objects are remembered; readers ask for neighbours. */
const REMEMBERED = 64;
/** Index of the free space in a collection. */
const FREE = 0;

/**
 * The global heap: where a file keeps variable-length values. An element names a collection and an object in it.
 *
 * ```text
 * collection                   object                       element of a dataset
 *  0  GCOL            4         0  index            2        0  values       4
 *  4  version         1         2  references       2        4  collection   O
 *  5  reserved        3         4  reserved         4           index        4
 *  8  bytes in all    L         8  bytes            L
 *     objects                      data, padded to 8
 * ```
 *
 * The heads of collections and objects are padded to 8 as well (H5HG_SIZEOF_HDR in H5HGpkg.h).
 *
 * Source: HDF5 file format specification 3.0, section III.E.
 */
export class GlobalHeap {
  readonly #collections = new Map<number, Map<number, HeapObject>>();

  constructor(readonly metadata: MetadataFile) {}

  /** Bytes of an element of a dataset. */
  get elementBytes(): number {
    return 8 + this.metadata.offsetBytes;
  }

  /** Where the value of an element lies that has `unit` bytes for each of its values. */
  locate(element: Cursor, unit: number): HeapObject {
    const values = element.u32();
    const address = element.address();
    const index = element.u32();
    if (values === 0) return { position: 0, bytes: 0 };
    if (address === undefined || address === 0) element.fail("a value without an address");
    const object = this.#collection(address).get(index);
    if (object === undefined) element.fail("a value that is not in its collection", undefined, `index ${index}`);
    const bytes = values * unit;
    if (bytes > object.bytes) element.fail("a value is longer than its place", `${object.bytes}`, `${bytes}`);
    return { position: object.position, bytes };
  }

  #collection(address: number): Map<number, HeapObject> {
    const known = this.#collections.get(address);
    if (known !== undefined) return known;
    const objects = this.#read(address);
    const oldest = this.#collections.keys().next();
    if (this.#collections.size >= REMEMBERED && oldest.done !== true) this.#collections.delete(oldest.value);
    this.#collections.set(address, objects);
    return objects;
  }

  #read(address: number): Map<number, HeapObject> {
    const { metadata } = this;
    const { lengthBytes } = metadata;
    const head = metadata.block(address, 8 + lengthBytes, "a heap collection");
    head.signature("GCOL");
    head.version(1);
    head.skip(3);
    const total = head.length();
    if (address + total > metadata.end) head.fail("a heap collection ends outside of the file");
    const objectHead = Math.ceil((8 + lengthBytes) / 8) * 8;
    const objects = new Map<number, HeapObject>();
    for (let at = objectHead; at + objectHead <= total;) {
      const object = metadata.block(address + at, objectHead, "an object of the global heap");
      const index = object.u16();
      object.skip(6);
      const bytes = object.length();
      if (index === FREE) break;
      if (at + objectHead + bytes > total) object.fail("an object ends outside of its collection");
      objects.set(index, { position: object.position + objectHead, bytes });
      at += objectHead + Math.ceil(bytes / 8) * 8;
    }
    return objects;
  }
}
