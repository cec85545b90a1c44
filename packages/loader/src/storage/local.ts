import { CorruptShardError, fileError } from "@millrace/formats/shard";
import { BUFFERED, type FileAccess } from "./file-access.js";

/** The shards of a split on a local disk, read at any place by `pread`. A bounded number of them is kept open. */
export class LocalFiles {
  /** Descriptor of each file, -1 where it is closed. */
  readonly #fds: Int32Array;
  /** When each file was last read, in reads. */
  readonly #lastRead: Float64Array;
  #open = 0;
  #reads = 0;
  #bytesAsked = 0;

  /**
   * @param maxOpen - Files kept open at a time, at least 1.
   * @param access - How files are read; default: through the page cache.
   */
  constructor(
    readonly paths: readonly string[],
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
        throw fileError(this.paths[file] as string, "read the shard", error);
      }
      if (count === 0) {
        throw new CorruptShardError({
          file: this.paths[file],
          byte: position + done,
          problem: "the file ends too early",
          expected: `${length - done} more bytes`,
          fix: "copy the shard again, or repeat the conversion",
        });
      }
      done += count;
    }
  }

  #fd(file: number): number {
    this.#lastRead[file] = ++this.#reads;
    const known = this.#fds[file] as number;
    if (known !== -1) return known;
    if (this.#open >= this.maxOpen) this.#closeOldest();
    try {
      const fd = this.access.open(this.paths[file] as string);
      this.#fds[file] = fd;
      this.#open++;
      return fd;
    } catch (error) {
      throw fileError(this.paths[file] as string, "open the shard", error);
    }
  }

  #closeOldest(): void {
    let oldest = -1;
    for (let file = 0; file < this.#fds.length; file++) {
      const isOlder = oldest === -1 || (this.#lastRead[file] as number) < (this.#lastRead[oldest] as number);
      if (this.#fds[file] !== -1 && isOlder) oldest = file;
    }
    if (oldest !== -1) this.#close(oldest);
  }

  #close(file: number): void {
    this.access.close(this.#fds[file] as number);
    this.#fds[file] = -1;
    this.#open--;
  }

  /** Closes all files. Idempotent; a later read opens its file again. */
  close(): void {
    for (let file = 0; file < this.#fds.length; file++) if (this.#fds[file] !== -1) this.#close(file);
  }
}
