import { open, rm, type FileHandle } from "node:fs/promises";
import { crcText } from "./checksum.js";
import type { FileChecksum } from "./checksum-file.js";
import { bytesOfPart, RunningChecksum, type ChecksummedBytes } from "./combined-checksum.js";
import { CorruptShardError, fileError } from "./errors.js";

/** Bytes that are gathered before they are written, so that small samples do not cost a call each. */
const BUFFER_BYTES = 2 ** 20;

/**
 * A new file that is written from front to back; small places may be changed before it is finished. It knows its own
 * checksum all the time, from those of what was appended: nothing is read a second time.
 *
 * While one buffer goes to the disk, the next is filled. So `append` may resolve before its bytes are written; what the
 * system refuses then is thrown by a later call, by `finish` at the latest.
 */
export class AppendFile {
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #spare: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #buffered = 0;
  #written = 0;
  /** The write of the spare buffer that is under way. */
  #writing: Promise<void> = Promise.resolve();
  readonly #checksum = new RunningChecksum();

  private constructor(
    readonly path: string,
    readonly handle: FileHandle,
  ) {}

  /** @throws FileError if there is a file already, or the system refuses. */
  static async create(path: string): Promise<AppendFile> {
    try {
      return new AppendFile(path, await open(path, "wx+"));
    } catch (error) {
      throw fileError(path, "create the shard", error);
    }
  }

  /** Bytes that were appended so far: where the next ones will stand. */
  get length(): number {
    return this.#checksum.bytes;
  }

  /**
   * Appends bytes, whose memory may be reused when the promise resolves. Where their CRC-32C is known it is taken for
   * theirs, not computed again.
   */
  async append(parts: readonly (Uint8Array | ChecksummedBytes)[]): Promise<void> {
    const runs = parts.map(bytesOfPart);
    const total = runs.reduce((sum, run) => sum + run.length, 0);
    if (this.#buffered + total > BUFFER_BYTES) await this.#flush();
    if (total > BUFFER_BYTES) {
      const writing = this.#write(runs, this.#written);
      this.#written += total;
      // The checksum is computed while the system writes.
      for (const part of parts) this.#checksum.append(part);
      await writing;
      return;
    }
    for (const run of runs) {
      this.#buffer.set(run, this.#buffered);
      this.#buffered += run.length;
    }
    for (const part of parts) this.#checksum.append(part);
  }

  /** Writes over bytes that were appended before, which are read for the checksum: for small places. */
  async patch(position: number, bytes: Uint8Array): Promise<void> {
    await this.#flush();
    await this.#writing;
    const before = await this.#read(position, bytes.length);
    await this.#write([bytes], position);
    this.#checksum.replace(position, before, bytes);
  }

  /** Writes what is gathered, closes the file, and returns its size and checksum. */
  async finish(): Promise<FileChecksum> {
    await this.#flush();
    await this.#writing;
    try {
      await this.handle.close();
    } catch (error) {
      throw fileError(this.path, "close the shard", error);
    }
    return { bytes: this.#checksum.bytes, crc32c: crcText(this.#checksum.crc32c) };
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    await this.#writing.catch(() => undefined);
    try {
      await this.handle.close();
      await rm(this.path, { force: true });
    } catch (error) {
      throw fileError(this.path, "delete the unfinished shard", error);
    }
  }

  /** Hands the buffer to the system when it has taken the one before, and goes on with that one's memory. */
  async #flush(): Promise<void> {
    if (this.#buffered === 0) return;
    await this.#writing;
    const full = this.#buffer;
    this.#writing = this.#write([full.subarray(0, this.#buffered)], this.#written);
    // The next call that awaits it throws; until then it is no unhandled rejection.
    this.#writing.catch(() => undefined);
    this.#written += this.#buffered;
    this.#buffered = 0;
    this.#buffer = this.#spare;
    this.#spare = full;
  }

  async #read(position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.alloc(length);
    try {
      const { bytesRead } = await this.handle.read(bytes, 0, length, position);
      if (bytesRead === length) return bytes;
    } catch (error) {
      throw fileError(this.path, "read what was written", error);
    }
    const problem = "the file is shorter than what was written to it";
    throw new CorruptShardError({ file: this.path, byte: position, problem, fix: "is another program changing it?" });
  }

  async #write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let rest = parts.filter((part) => part.length > 0);
    let at = position;
    while (rest.length > 0) {
      const count = await this.#writeSome(rest, at);
      at += count;
      rest = behind(rest, count);
    }
  }

  async #writeSome(parts: readonly Uint8Array[], position: number): Promise<number> {
    try {
      return (await this.handle.writev(parts, position)).bytesWritten;
    } catch (error) {
      throw fileError(
        this.path,
        "write the shard",
        error,
        parts.reduce((sum, part) => sum + part.length, 0),
      );
    }
  }
}

/** What is left of `parts` behind their first `count` bytes. */
function behind(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  return parts.flatMap((part) => {
    const left = part.subarray(Math.min(skip, part.length));
    skip -= part.length - left.length;
    return left.length > 0 ? [left] : [];
  });
}
