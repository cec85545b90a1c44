import { fileError } from "@millrace/formats";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/**
 * A file that lines or records are appended to, each handed to the system before the call returns: what was logged
 * before a process is killed can be read. A log has few and small records, one a fence, so each may cost a call.
 */
export class LogFile implements Disposable {
  readonly #descriptor: number;
  #isOpen = true;

  /**
   * Opens the file, or makes it and the folders above it.
   * @param flags - `ax` if there must be none yet.
   * @throws {@link FileError} if the system refuses.
   */
  constructor(
    readonly path: string,
    flags: "a" | "ax",
  ) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#descriptor = openSync(path, flags);
    } catch (error) {
      throw fileError(path, "open the log", error);
    }
  }

  /** @throws {@link FileError} if the system refuses. */
  append(bytes: Uint8Array): void {
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
    } catch (error) {
      throw fileError(this.path, "write the log", error, bytes.length);
    }
  }

  /** Closes the file. Idempotent. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }
}
