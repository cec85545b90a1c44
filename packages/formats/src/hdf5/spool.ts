import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { fileError } from "../errors.js";

/** Bytes that wait in memory before they go to the file. */
const BUFFER_BYTES = 4 * 2 ** 20;
const FIRST_BYTES = 64 * 1024;

/** Writes all of `bytes`. @throws FileError */
export function writeFully(fd: number, bytes: Uint8Array, position: number, path: string): void {
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  } catch (error) {
    throw fileError(path, "write the shard", error, bytes.length);
  }
}

/** Where the bytes of a column go when there are too many for memory. */
export interface Place {
  readonly fd: number;
  /** Byte of the file at which the column begins. */
  readonly position: number;
}

/**
 * Bytes in a row that are written before it is known where they belong, or how many come. They stay in memory up to
 * 4 MiB, then go to their place: in the shard, or in a file beside it that has no name any more, so that the system
 * deletes it whatever happens to the process.
 */
export class Spool {
  #buffer = new Uint8Array(0);
  #used = 0;
  #written = 0;
  #place: Place | undefined;
  #file: number | undefined;

  /** `path`: of the shard. `place`: in the shard, where it is known. */
  constructor(
    readonly path: string,
    readonly name: string,
    place?: Place,
  ) {
    this.#place = place;
  }

  /** Bytes so far. */
  get byteLength(): number {
    return this.#written + this.#used;
  }

  /** Appends bytes; their memory may be reused afterwards. */
  append(bytes: Uint8Array): void {
    if (this.#used + bytes.length > BUFFER_BYTES) this.flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#write(bytes);
      return;
    }
    if (this.#used + bytes.length > this.#buffer.length) this.#grow(this.#used + bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Hands out all bytes in pieces of up to 4 MiB; a piece is valid until the next one. */
  *pieces(): Generator<Uint8Array> {
    const place = this.#place;
    if (place !== undefined && this.#written > 0) {
      const piece = new Uint8Array(Math.min(BUFFER_BYTES, this.#written));
      for (let done = 0; done < this.#written;) {
        const count = this.#read(place, piece.subarray(0, this.#written - done), done);
        yield piece.subarray(0, count);
        done += count;
      }
    }
    yield this.#buffer.subarray(0, this.#used);
  }

  /** Frees the memory and the file without a name. Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#buffer = new Uint8Array(0);
    this.#used = 0;
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.min(BUFFER_BYTES, Math.max(bytes, this.#buffer.length * 2, FIRST_BYTES)));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }

  /** Writes what is in memory to its place. */
  flush(): void {
    if (this.#used > 0) this.#write(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #write(bytes: Uint8Array): void {
    const place = (this.#place ??= this.#openFile());
    writeFully(place.fd, bytes, place.position + this.#written, this.path);
    this.#written += bytes.length;
  }

  #openFile(): Place {
    const path = `${this.path}.${this.name.replaceAll("/", "-")}.spool`;
    try {
      this.#file = openSync(path, "wx+", 0o600);
      unlinkSync(path);
    } catch (error) {
      throw fileError(path, "create the file", error);
    }
    return { fd: this.#file, position: 0 };
  }

  #read(place: Place, target: Uint8Array, done: number): number {
    try {
      return readSync(place.fd, target, 0, target.length, place.position + done);
    } catch (error) {
      throw fileError(this.path, "read what was written", error);
    }
  }
}
