import { Cursor } from "./cursor.js";
import { checkSum, type MetadataFile } from "./metadata-file.js";

/** Numbers of the messages in object headers that matter here. Source: specification 3.0, section IV.A.2. */
export const MESSAGES = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  fillValue: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  groupInfo: 0x0a,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
  cacheImage: 0x18,
} as const;

/** One message of an object header. */
export interface HeaderMessage {
  readonly type: number;
  /** The message stands elsewhere; `body` says where. */
  readonly shared: boolean;
  /** A new cursor over its bytes. */
  body(): Cursor;
}

/** An object header: what the file says of a group, a dataset or a named datatype. */
export interface ObjectHeader {
  readonly messages: readonly HeaderMessage[];
}

/** A header has a handful of chunks; one with thousands points in circles. */
const MAX_CHUNKS = 1024;
/** A header of version 1 counts its messages in 16 bits; none has more. */
const MAX_MESSAGES = 65_536;
/** Bit 1 of a message's flags. */
const SHARED = 0x02;
const HAS_TIMES = 0x20;
const HAS_PHASES = 0x10;
const HAS_ORDER = 0x04;

/**
 * Reads the object header at `address`, its continuations included.
 *
 * ```text
 * version 1                            version 2
 *  0  version        1                  0  OHDR                  4
 *  1  reserved       1                  4  version               1
 *  2  messages       2                  5  flags                 1
 *  4  references     4                  6  four times            4 each, if flags & 0x20
 *  8  bytes (n)      4                     attribute phases      4, if flags & 0x10
 * 12  reserved       4                     bytes (n)             1 << (flags & 3)
 * 16  messages       n                     messages              n
 *                                          checksum              4
 *  message:                             message:
 *  type              2                  type                     1
 *  bytes             2                  bytes                    2
 *  flags             1                  flags                    1
 *  reserved          3                  creation order           2, if flags & 0x04
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.1.
 */
export function readObjectHeader(metadata: MetadataFile, address: number): ObjectHeader {
  const first = metadata.block(address, 6, "an object header");
  return first.bytes.toString("latin1", 0, 4) === "OHDR"
    ? new HeaderReader(metadata, 2).read2(address)
    : new HeaderReader(metadata, 1).read1(address);
}

class HeaderReader {
  readonly messages: HeaderMessage[] = [];
  #chunks = 0;
  readonly #continuations: { address: number; bytes: number }[] = [];
  #hasOrder = false;

  constructor(
    readonly metadata: MetadataFile,
    readonly version: 1 | 2,
  ) {}

  read1(address: number): ObjectHeader {
    const head = this.metadata.block(address, 16, "an object header");
    head.version(1);
    head.skip(7);
    const bytes = head.u32();
    this.#chunk(this.metadata.block(address + 16, bytes, "an object header"));
    return this.#continue();
  }

  read2(address: number): ObjectHeader {
    const head = this.metadata.block(address, 6, "an object header");
    head.signature("OHDR");
    head.version(2);
    const flags = head.u8();
    this.#hasOrder = (flags & HAS_ORDER) !== 0;
    const width = 1 << (flags & 3);
    const prefix = 6 + ((flags & HAS_TIMES) === 0 ? 0 : 16) + ((flags & HAS_PHASES) === 0 ? 0 : 4) + width;
    const sized = this.metadata.block(address, prefix, "an object header");
    sized.skip(prefix - width);
    const bytes = prefix + sized.uint(width) + 4;
    const chunk = this.metadata.block(address, bytes, "an object header");
    checkSum(chunk, bytes, "an object header");
    chunk.skip(prefix);
    this.#chunk(chunk);
    return this.#continue();
  }

  #continue(): ObjectHeader {
    for (let next = this.#continuations.pop(); next !== undefined; next = this.#continuations.pop()) {
      const chunk = this.metadata.block(next.address, next.bytes, "a continuation of an object header");
      if (this.#chunks > MAX_CHUNKS) chunk.fail("an object header has too many continuations");
      if (this.version === 2) {
        chunk.signature("OCHK");
        if (next.bytes < 8) chunk.fail("a continuation is too short");
        checkSum(chunk, next.bytes, "a continuation");
      }
      this.#chunk(chunk);
    }
    return { messages: this.messages };
  }

  /** Reads the messages from the cursor's place to the chunk's end, or to its checksum. */
  #chunk(chunk: Cursor): void {
    this.#chunks++;
    const end = this.version === 1 ? 0 : 4;
    const smallest = this.version === 1 ? 8 : this.#hasOrder ? 6 : 4;
    while (chunk.left - end >= smallest) this.#message(chunk);
  }

  #message(chunk: Cursor): void {
    const type = this.version === 1 ? chunk.u16() : chunk.u8();
    const bytes = chunk.u16();
    const flags = chunk.u8();
    if (this.version === 1) chunk.skip(3);
    else if (this.#hasOrder) chunk.skip(2);
    const place = chunk.at;
    const body = chunk.sub(bytes);
    if (type === MESSAGES.continuation) {
      const address = body.address() ?? body.fail("a continuation has no address");
      this.#continuations.push({ address, bytes: body.length() });
      return;
    }
    if (this.messages.length === MAX_MESSAGES) chunk.fail("an object header has too many messages");
    const start = chunk.position + place;
    this.messages.push({
      type,
      shared: (flags & SHARED) !== 0,
      body: () => new Cursor(body.bytes, start, body.dialect),
    });
  }
}
