import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { temporaryPath } from "../atomic-file.js";
import { fileError } from "../errors.js";

/** Bytes that wait in memory before they go to a file. */
export const SPOOL_BYTES: number = 4 * 2 ** 20;
const FIRST_BYTES = 4096;

/**
 * Bytes in a row that are written before it is known where they belong, or how many come. They stay in memory up to
 * {@link SPOOL_BYTES}, then go to a file beside the shard that has no name any more, so that the system deletes it
 * whatever happens to the process.
 */
export class Spool {
  #buffer = new Uint8Array(0);
  #used = 0;
  #written = 0;
  #file: number | undefined;

  /** `path`: of the shard. */
  constructor(readonly path: string) {}

  /** Bytes so far. */
  get byteLength(): number {
    return this.#written + this.#used;
  }

  /** Appends bytes; their memory may be reused afterwards. */
  append(bytes: Uint8Array): void {
    if (this.#used + bytes.length > SPOOL_BYTES) this.#flush();
    if (bytes.length > SPOOL_BYTES) {
      this.#write(bytes);
      return;
    }
    if (this.#used + bytes.length > this.#buffer.length) this.#grow(this.#used + bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Hands out all bytes in pieces of up to 4 MiB; a piece is valid until the next one. */
  *pieces(): Generator<Uint8Array> {
    if (this.#file !== undefined) {
      const piece = new Uint8Array(Math.min(SPOOL_BYTES, this.#written));
      for (let done = 0; done < this.#written;) {
        const count = this.#read(this.#file, piece.subarray(0, this.#written - done), done);
        yield piece.subarray(0, count);
        done += count;
      }
    }
    if (this.#used > 0) yield this.#buffer.subarray(0, this.#used);
  }

  /** Frees the memory and the file. Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#buffer = new Uint8Array(0);
    this.#used = 0;
    this.#written = 0;
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.min(SPOOL_BYTES, Math.max(bytes, this.#buffer.length * 2, FIRST_BYTES)));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }

  #flush(): void {
    if (this.#used > 0) this.#write(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #write(bytes: Uint8Array): void {
    const file = (this.#file ??= this.#openFile());
    try {
      for (let done = 0; done < bytes.length;)
        done += writeSync(file, bytes, done, bytes.length - done, this.#written + done);
    } catch (error) {
      throw fileError(this.path, "write the shard", error, bytes.length);
    }
    this.#written += bytes.length;
  }

  #openFile(): number {
    const path = temporaryPath(this.path);
    try {
      const file = openSync(path, "wx+", 0o600);
      unlinkSync(path);
      return file;
    } catch (error) {
      throw fileError(path, "create the file", error);
    }
  }

  #read(file: number, target: Uint8Array, done: number): number {
    let count: number;
    try {
      count = readSync(file, target, 0, target.length, done);
    } catch (error) {
      throw fileError(this.path, "read what was written", error);
    }
    if (count > 0) return count;
    throw fileError(this.path, "read what was written", "the file beside it ends too early");
  }
}
