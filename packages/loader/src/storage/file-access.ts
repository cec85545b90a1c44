import { closeSync, openSync, readSync } from "node:fs";

/** How files are opened and read. */
export interface FileAccess {
  /** @returns a descriptor, for {@link FileAccess.read}. */
  open(path: string): number;
  /**
   * Reads at least 1 and at most `length` bytes from `position` on into `target` at `offset`.
   * @returns how many; 0 at the end of the file.
   */
  read(fd: number, target: Uint8Array, offset: number, length: number, position: number): number;
  /** Closes what {@link FileAccess.open} gave. */
  close(fd: number): void;
}

/** Through the page cache of the system. */
export const BUFFERED: FileAccess = { open: (path) => openSync(path, "r"), read: readSync, close: closeSync };
