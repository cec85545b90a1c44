import { open, rm, type FileHandle } from "node:fs/promises";
import { fileError } from "./errors.js";

/** Bytes that are gathered before they are written, so that small samples do not cost a call each. */
const BUFFER_BYTES = 2 ** 20;

/** A new file that is written from front to back; small places may be changed before it is finished. */
export class AppendFile {
  readonly #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #buffered = 0;
  #written = 0;

  private constructor(
    readonly path: string,
    readonly handle: FileHandle,
  ) {}

  /** @throws FileError if there is a file already, or the system refuses. */
  static async create(path: string): Promise<AppendFile> {
    try {
      return new AppendFile(path, await open(path, "wx"));
    } catch (error) {
      throw fileError(path, "create the shard", error);
    }
  }

  /** Appends bytes, whose memory may be reused when the promise resolves. */
  async append(parts: readonly Uint8Array[]): Promise<void> {
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    if (this.#buffered + total > BUFFER_BYTES) await this.#flush();
    if (total > BUFFER_BYTES) {
      await this.#write(parts, this.#written);
      this.#written += total;
      return;
    }
    for (const part of parts) {
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
    }
  }

  /** Writes over bytes that were appended before. */
  async patch(position: number, bytes: Uint8Array): Promise<void> {
    await this.#flush();
    await this.#write([bytes], position);
  }

  /** Writes what is gathered and closes the file. */
  async finish(): Promise<void> {
    await this.#flush();
    try {
      await this.handle.close();
    } catch (error) {
      throw fileError(this.path, "close the shard", error);
    }
  }

  /** Closes and deletes the file. */
  async remove(): Promise<void> {
    try {
      await this.handle.close();
      await rm(this.path, { force: true });
    } catch (error) {
      throw fileError(this.path, "delete the unfinished shard", error);
    }
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    await this.#write([bytes], this.#written);
    this.#written += bytes.length;
    this.#buffered = 0;
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
