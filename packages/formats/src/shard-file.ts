import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { outside, roomFor, type ByteSource } from "./byte-source.js";
import { ClosedError, CorruptShardError, fileError } from "./errors.js";

/** A shard's file, open for reading at any place. */
export class ShardFile implements ByteSource {
  readonly isPlain = true;
  readonly path: string;
  /** Bytes, when it was opened. */
  readonly size: number;
  #fd: number | undefined;

  /** @throws FileError if the system refuses, or if it is a folder. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, "r");
      const stats = fstatSync(this.#fd);
      if (stats.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
      this.size = stats.size;
    } catch (error) {
      this.close();
      throw fileError(path, "open the shard", error);
    }
  }

  /**
   * Fills `target` with the bytes from `position` on.
   * @throws CorruptShardError if the file ends before; FileError if the system refuses; ClosedError after `close`.
   */
  readInto(target: Uint8Array, position: number): void {
    if (this.#fd === undefined) throw new ClosedError({ file: this.path, problem: "the shard is closed" });
    let done = 0;
    while (done < target.length) {
      const count = this.#read(this.#fd, target, done, position + done);
      if (count === 0) {
        throw new CorruptShardError({
          file: this.path,
          byte: position + done,
          problem: "the file ends too early",
          expected: `${target.length - done} more bytes`,
          fix: "copy the file again",
        });
      }
      done += count;
    }
  }

  /**
   * A run of bytes in memory of its own. The run is checked against the file's size before memory is taken.
   * @throws CorruptShardError if the run does not lie in the file.
   */
  read(position: number, length: number, what: string): Uint8Array {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) throw outside(this, position, length, what);
    const bytes = roomFor(length);
    this.readInto(bytes, position);
    return bytes;
  }

  #read(fd: number, target: Uint8Array, done: number, position: number): number {
    try {
      return readSync(fd, target, done, target.length - done, position);
    } catch (error) {
      throw fileError(this.path, "read the shard", error);
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}
