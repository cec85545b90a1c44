import { createMemory } from "@millrace/image";
import { closeSync, constants, openSync, readSync, statfsSync } from "node:fs";
import { BUFFERED, type FileAccess } from "./file-access.js";

/** Places, lengths and addresses of direct reads are multiples of this, which is one of any block size in use. */
const BLOCK_BYTES = 4096;
/** Bytes read at a time, at most. */
const ROOM_BYTES = 2 ** 22;

/** File systems that lie in memory (`linux/magic.h`): tmpfs, ramfs. Since Linux 6.6 tmpfs takes O_DIRECT, to no effect. */
const MEMORY_SYSTEMS: readonly number[] = [0x01021994, 0x858458f6];

/**
 * Past the page cache: by `O_DIRECT`, so that bytes come from the device whatever the system keeps in memory. The device
 * transfers whole blocks to an aligned room, from where what was asked for is copied. Files that cannot be read so are read
 * through the page cache.
 */
export class DirectAccess implements FileAccess {
  /** Memory of WebAssembly begins at a page of the system; a buffer of Node's lies anywhere. */
  readonly #room = new Uint8Array(createMemory({ byteLength: ROOM_BYTES, shared: false }).buffer);
  readonly #direct = new Set<number>();

  open(path: string): number {
    const fd = this.#openDirect(path);
    if (fd === undefined) return BUFFERED.open(path);
    this.#direct.add(fd);
    return fd;
  }

  /** @returns `undefined` if the file cannot be read so; why is told by {@link directProblem}. */
  #openDirect(path: string): number | undefined {
    let fd: number | undefined;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
      // Some systems refuse only the first read.
      readSync(fd, this.#room, 0, BLOCK_BYTES, 0);
      return fd;
    } catch {
      if (fd !== undefined) closeSync(fd);
      return undefined;
    }
  }

  read(fd: number, target: Uint8Array, offset: number, length: number, position: number): number {
    if (!this.#direct.has(fd)) return BUFFERED.read(fd, target, offset, length, position);
    const room = this.#room;
    const skipped = position % BLOCK_BYTES;
    const asked = Math.min(ROOM_BYTES, Math.ceil((skipped + length) / BLOCK_BYTES) * BLOCK_BYTES);
    // The last block of a file comes as long as it is.
    const count = Math.min(length, readSync(fd, room, 0, asked, position - skipped) - skipped);
    if (count <= 0) return 0;
    target.set(room.subarray(skipped, skipped + count), offset);
    return count;
  }

  close(fd: number): void {
    this.#direct.delete(fd);
    closeSync(fd);
  }
}

/** Why a file cannot be read past the page cache, as a clause; empty if it can. */
export function directProblem(path: string): string {
  if (process.platform !== "linux") return `${process.platform} has no O_DIRECT`;
  let fd: number | undefined;
  try {
    if (MEMORY_SYSTEMS.includes(statfsSync(path).type)) return `the file system of ${path} lies in memory`;
    const block = new Uint8Array(createMemory({ byteLength: BLOCK_BYTES, shared: false }).buffer);
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
    readSync(fd, block, 0, BLOCK_BYTES, 0);
    return "";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EINVAL" || code === "EOPNOTSUPP"
      ? `the file system of ${path} refuses O_DIRECT`
      : `${path} cannot be read: ${code ?? String(error)}`;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
