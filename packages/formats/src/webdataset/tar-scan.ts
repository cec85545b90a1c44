import type { ByteSource } from "../byte-source.js";
import { CorruptShardError, UnsupportedError } from "../errors.js";
import { ScanWindow } from "../scan-window.js";
import { decodePax } from "./pax.js";
import { BLOCK_BYTES, decodeName, decodeTarHeader, MEMBER, paddedBytes, type TarHeader } from "./tar-header.js";

/** Longest header of a single member: names and little else. */
const MAX_MEMBER_HEADER_BYTES = 2 ** 20;
/** Longest header of the whole archive, which may hold the attributes of a shard. */
const MAX_GLOBAL_HEADER_BYTES = 2 ** 26;

/** More than any archive has before a member: its names, its pax header, and one of the whole archive. */
const MAX_EXTENDED_HEADERS = 16;

/** Files, contiguous files, and files of version 7. */
const FILES: ReadonlySet<string> = new Set(["0", "7", "\0"]);
/** Links, devices, folders and pipes: nothing of them is in the archive, whatever size they tell. */
const WITHOUT_DATA: ReadonlySet<string> = new Set(["1", "2", "3", "4", "5", "6"]);
/** Headers of what follows, of pax and of GNU. */
const EXTENDED: ReadonlySet<string> = new Set([MEMBER.pax, MEMBER.paxGlobal, "X", "L", "K"]);
/** Sparse files and continued archives, of GNU. */
const UNREADABLE: ReadonlySet<string> = new Set(["S", "M"]);

/** A file in an archive. */
export interface TarMember {
  /** Its path, without `./` before it. */
  readonly name: string;
  /** Byte offset of its data. */
  readonly offset: number;
  /** Bytes of its data. */
  readonly size: number;
}

/** What extended headers say of the member behind them. */
interface Extended {
  readonly path?: string | undefined;
  readonly size?: number | undefined;
}

/**
 * Walks over the headers of an archive, in constant memory; of the data of files nothing is read. Each step goes forward
 * by a block at least.
 */
export class TarScan {
  /** Where the next header stands. */
  position = 0;
  /** The records of the header of the whole archive that stands first, if there is one. */
  leading: ReadonlyMap<string, string> | undefined;
  readonly #window: ScanWindow;
  readonly #words: Int32Array;

  constructor(readonly source: ByteSource) {
    this.#window = new ScanWindow(source, undefined, BLOCK_BYTES);
    const { buffer, byteOffset, byteLength } = this.#window.bytes;
    this.#words = new Int32Array(buffer, byteOffset, byteLength / 4);
  }

  /**
   * The next file; `undefined` at the end of the archive, where `position` is that of its first block of zeros. Folders,
   * links and devices are passed over.
   * @throws CorruptShardError if a header is damaged or the archive has no end; UnsupportedError for a name that leads
   * out of the archive, and for sparse files.
   */
  next(): TarMember | undefined {
    let extended: Extended = {};
    let headers = 0;
    for (;;) {
      const at = this.position;
      const header = this.#header();
      if (header === undefined) return undefined;
      if (!EXTENDED.has(header.type)) {
        const member = this.#member(header, extended);
        if (member !== undefined) return member;
        extended = {};
        headers = 0;
        continue;
      }
      if (++headers > MAX_EXTENDED_HEADERS)
        throw this.#unsupported("a member has too many extended headers", `at most ${MAX_EXTENDED_HEADERS}`);
      extended = { ...extended, ...this.#extended(header, at) };
    }
  }

  #extended(header: TarHeader, at: number): Extended {
    switch (header.type) {
      case MEMBER.paxGlobal:
        this.#takeGlobal(this.#data(header, MAX_GLOBAL_HEADER_BYTES), at);
        return {};
      case "L":
        return { path: this.#longName(this.#data(header, MAX_MEMBER_HEADER_BYTES)) };
      case "K":
        this.#data(header, MAX_MEMBER_HEADER_BYTES);
        return {};
      default:
        return this.#paxOf(this.#data(header, MAX_MEMBER_HEADER_BYTES));
    }
  }

  /** The header at `position`; `undefined` for the end of the archive. */
  #header(): TarHeader | undefined {
    if (this.position + BLOCK_BYTES > this.source.size)
      throw this.#corrupt("the archive has no end", "a block of zeros", `the end of the file`);
    const at = this.#window.ensure(this.position, BLOCK_BYTES, "a header");
    const header = decodeTarHeader(this.#window.bytes, this.#words, at);
    if (header === undefined) {
      const problem = this.position === 0 ? "is not a tar file, or its first header is damaged" : "a header is damaged";
      throw this.#corrupt(problem, "a tar header with its checksum");
    }
    return header === "end" ? undefined : header;
  }

  #member({ name, size: told, type }: TarHeader, extended: Extended): TarMember | undefined {
    const path = extended.path ?? name;
    this.#checkPath(path);
    if (UNREADABLE.has(type)) throw this.#unsupported(`the member ${path} is sparse or continued`);
    const offset = this.position + BLOCK_BYTES;
    const size = WITHOUT_DATA.has(type) ? 0 : (extended.size ?? told);
    this.#pass(size);
    const isFile = FILES.has(type) && !path.endsWith("/");
    return isFile ? { name: path.startsWith("./") ? path.slice(2) : path, offset, size } : undefined;
  }

  /** Goes behind a header and `size` bytes of data. */
  #pass(size: number): void {
    const end = this.position + BLOCK_BYTES + size;
    if (end > this.source.size)
      throw this.#corrupt(
        "a member passes the end of the file",
        `${size} bytes`,
        `${this.source.size - this.position}`,
      );
    this.position += BLOCK_BYTES + paddedBytes(size);
  }

  /** The data of an extended header; its size is checked before memory is taken. */
  #data({ size }: TarHeader, limit: number): Buffer {
    if (size > limit) throw this.#unsupported(`an extended header has ${size} bytes`, `at most ${limit}`);
    const offset = this.position + BLOCK_BYTES;
    this.#pass(size);
    const bytes = this.source.read(offset, size, "an extended header");
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #takeGlobal(data: Buffer, at: number): void {
    const records = this.#records(data);
    if (at === 0) this.leading = records;
    const taken = ["path", "size", "GNU.sparse.major"].find((key) => records.has(key));
    if (taken !== undefined) throw this.#unsupported(`the header of the archive sets ${taken} for all members`);
  }

  #paxOf(data: Buffer): Extended {
    const records = this.#records(data);
    if ([...records.keys()].some((key) => key.startsWith("GNU.sparse"))) throw this.#unsupported("a member is sparse");
    const path = records.get("path");
    const digits = records.get("size");
    if (digits === undefined) return path === undefined ? {} : { path };
    if (!/^\d{1,20}$/u.test(digits)) throw this.#corrupt("the size in an extended header is no number");
    return path === undefined ? { size: Number(digits) } : { path, size: Number(digits) };
  }

  #records(data: Buffer): Map<string, string> {
    const records = decodePax(data);
    if (records === undefined) throw this.#corrupt("an extended header is damaged");
    return records;
  }

  #longName(data: Buffer): string {
    const zero = data.indexOf(0);
    return decodeName(data, 0, zero < 0 ? data.length : zero);
  }

  #checkPath(path: string): void {
    if (path[0] === "/") throw this.#unsupported(`the member ${path} has an absolute name`);
    if (path.includes("\0")) throw this.#unsupported(`the member ${path} has a zero in its name`);
    if (path.includes("..") && path.split("/").includes(".."))
      throw this.#unsupported(`the member ${path} climbs out of the archive`);
  }

  #corrupt(problem: string, expected?: string, found?: string): CorruptShardError {
    const fix = "copy the file again";
    return new CorruptShardError({ file: this.source.path, byte: this.position, problem, expected, found, fix });
  }

  #unsupported(problem: string, expected?: string): UnsupportedError {
    const fix = "pack the samples again with GNU tar or webdataset";
    return new UnsupportedError({ file: this.source.path, byte: this.position, problem, expected, fix });
  }
}
