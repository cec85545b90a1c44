import { CorruptShardError, fileError, isMillraceError } from "@millrace/formats/shard";
import { BUFFERED, type FileAccess } from "./file-access.js";

/** Paths by their numbers; a list of them is one. */
export interface PathList {
  readonly length: number;
  at(file: number): string | undefined;
}

/**
 * The shards of a split on a local disk, read at any place by `pread`. A bounded number of them is kept open. Whoever
 * reads one has opened it by `openShard` before, which looks where its links lead.
 */
export class LocalFiles {
  /** Descriptor of each file, -1 where it is closed. */
  readonly #fds: Int32Array;
  /** When each file was last read, in reads. */
  readonly #lastRead: Float64Array;
  /** Numbers of the open files. */
  readonly #open: number[] = [];
  #reads = 0;
  #bytesAsked = 0;

  /**
   * @param maxOpen - Files kept open at a time, at least 1.
   * @param access - How files are read; default: through the page cache.
   */
  constructor(
    readonly paths: PathList,
    readonly maxOpen: number,
    readonly access: FileAccess = BUFFERED,
  ) {
    this.#fds = new Int32Array(paths.length).fill(-1);
    this.#lastRead = new Float64Array(paths.length);
  }

  /** Bytes that all reads so far asked for. */
  get bytesAsked(): number {
    return this.#bytesAsked;
  }

  /**
   * Reads `length` bytes of file number `file` from `position` on into `target` at `offset`. Allocates nothing once the
   * file is open.
   * @throws {@link FileError} if the system refuses; {@link CorruptShardError} if the file ends before.
   */
  readInto(file: number, target: Uint8Array, offset: number, length: number, position: number): void {
    const fd = this.#fd(file);
    this.#bytesAsked += length;
    let done = 0;
    while (done < length) {
      let count: number;
      try {
        count = this.access.read(fd, target, offset + done, length - done, position + done);
      } catch (error) {
        throw fileError(this.#path(file), "read the shard", error);
      }
      if (count === 0) {
        throw new CorruptShardError({
          file: this.#path(file),
          byte: position + done,
          problem: "the file ends too early",
          expected: `${length - done} more bytes`,
          fix: "copy the shard again, or repeat the conversion",
        });
      }
      done += count;
    }
  }

  /**
   * Reads as {@link LocalFiles.readInto} does, for others who will ask: nothing counts until
   * {@link LocalFiles.countBytes} is told of it.
   * @returns false in place of an error of the file.
   */
  tryRead(file: number, target: Uint8Array, offset: number, length: number, position: number): boolean {
    const before = this.#bytesAsked;
    try {
      this.readInto(file, target, offset, length, position);
      return true;
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      return false;
    } finally {
      this.#bytesAsked = before;
    }
  }

  /** Counts bytes that {@link LocalFiles.tryRead} has read as asked for. */
  countBytes(byteLength: number): void {
    this.#bytesAsked += byteLength;
  }

  #fd(file: number): number {
    this.#lastRead[file] = ++this.#reads;
    const known = this.#fds[file] as number;
    if (known !== -1) return known;
    if (this.#open.length >= this.maxOpen) this.#closeOldest();
    try {
      const fd = this.access.open(this.#path(file));
      this.#fds[file] = fd;
      this.#open.push(file);
      return fd;
    } catch (error) {
      throw fileError(this.#path(file), "open the shard", error);
    }
  }

  #path(file: number): string {
    return this.paths.at(file) as string;
  }

  #closeOldest(): void {
    let oldest = this.#open[0] as number;
    for (const file of this.#open)
      if ((this.#lastRead[file] as number) < (this.#lastRead[oldest] as number)) oldest = file;
    this.#close(oldest);
  }

  #close(file: number): void {
    this.access.close(this.#fds[file] as number);
    this.#fds[file] = -1;
    this.#open.splice(this.#open.indexOf(file), 1);
  }

  /** Closes all files. Idempotent; a later read opens its file again. */
  close(): void {
    while (this.#open.length > 0) this.#close(this.#open.at(-1) as number);
  }
}
