import { SIGNATURE } from "../metadata/superblock.js";
import { withChecksum } from "./object-header.js";
import { pack, UNDEFINED_ADDRESS } from "./pack.js";

/** Bytes of a superblock of version 2. */
export const SUPERBLOCK_BYTES = 48;

/** A superblock of version 2, laid out as `readSuperblock` says. `end`: size of the file; `root`: address of its root group. */
export function encodeSuperblock(end: number, root: number): Buffer {
  const head = pack(SIGNATURE, [1, 2], [1, 8], [1, 8], [1, 0]);
  return withChecksum(pack(head, [8, 0], [8, UNDEFINED_ADDRESS], [8, end], [8, root]));
}
