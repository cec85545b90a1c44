import { CorruptShardError, UnsupportedError } from "../../errors.js";
import type { ShardFile } from "../../shard-file.js";
import { corrupt, Cursor, type Dialect } from "./cursor.js";
import { checkSum, MetadataFile } from "./metadata-file.js";

/** The first bytes of a superblock. */
export const SIGNATURE: Buffer = Buffer.from("\x89HDF\r\n\x1a\n", "latin1");
/** Room for the largest superblock: version 1 with addresses of 8 bytes. */
const MAX_SUPERBLOCK_BYTES = 100;
/** Bits of the version 3 flags: open for writing, open for single-writer-multiple-reader. */
const WRITING = 0x05;

/** What the superblock tells. */
export interface Superblock {
  readonly metadata: MetadataFile;
  /** Address of the object header of the root group. */
  readonly root: number;
  /** Address of the superblock extension's object header, where there is one. */
  readonly extension: number | undefined;
}

/**
 * Finds and reads the superblock.
 *
 * ```text
 * version 0, 1                                          version 2, 3
 *  0  signature                8                         0  signature                8
 *  8  version                  1                         8  version                  1
 *  9  other versions, reserved 4                         9  bytes of an address (O)  1
 * 13  bytes of an address (O)  1                        10  bytes of a length (L)    1
 * 14  bytes of a length (L)    1                        11  flags                    1
 * 15  reserved, K values       9 (version 1: 13)        12  base address             O
 *     base address             O                            extension                O
 *     free space               O                            end of file              O
 *     end of file              O                            root group               O
 *     driver information       O                            checksum                 4
 *     root: name offset        O
 *     root: object header      O
 * ```
 *
 * Source: HDF5 file format specification 3.0, section II.A.
 *
 * @throws CorruptShardError, UnsupportedError
 */
export function readSuperblock(file: ShardFile): Superblock {
  const position = findSuperblock(file);
  const bytes = Buffer.from(
    file.read(position, Math.min(MAX_SUPERBLOCK_BYTES, file.size - position), "the superblock"),
  );
  const version = bytes.readUInt8(8);
  if (version > 3) {
    throw new UnsupportedError({
      file: file.path,
      byte: position + 8,
      problem: "has a superblock of an unknown version",
      expected: "0 to 3",
      found: `${version}`,
    });
  }
  const head = new Cursor(bytes, position, { path: file.path, offsetBytes: 8, lengthBytes: 8 });
  head.skip(version < 2 ? 13 : 9);
  const dialect: Dialect = { path: file.path, offsetBytes: width(head), lengthBytes: width(head) };
  const cursor = new Cursor(bytes, position, dialect);
  cursor.skip(head.at);
  const places = version < 2 ? readOld(cursor, version) : readNew(cursor);
  checkEnd(file, position, places);
  return {
    metadata: new MetadataFile(file, position, dialect.offsetBytes, dialect.lengthBytes),
    root: places.root ?? cursor.fail("there is no root group"),
    extension: places.extension,
  };
}

interface Places {
  readonly base: number;
  readonly end: number;
  readonly root: number | undefined;
  readonly extension: number | undefined;
}

function readOld(cursor: Cursor, version: number): Places {
  cursor.skip(version === 0 ? 9 : 13);
  const base = cursor.address() ?? cursor.fail("there is no base address");
  cursor.address();
  const end = cursor.address() ?? cursor.fail("there is no end of file");
  cursor.address();
  cursor.address();
  return { base, end, root: cursor.address(), extension: undefined };
}

function readNew(cursor: Cursor): Places {
  const flags = cursor.u8();
  const base = cursor.address() ?? cursor.fail("there is no base address");
  const extension = cursor.address();
  const end = cursor.address() ?? cursor.fail("there is no end of file");
  const root = cursor.address();
  cursor.skip(4);
  checkSum(cursor, cursor.at, "the superblock");
  if ((flags & WRITING) !== 0) {
    throw new CorruptShardError({
      file: cursor.dialect.path,
      problem: "the HDF5 file was not closed, or is being written",
      fix: "wait for its writer, or run h5clear -s on it",
    });
  }
  return { base, end, root, extension };
}

function width(cursor: Cursor): number {
  const bytes = cursor.u8();
  return [2, 4, 8].includes(bytes) ? bytes : cursor.fail("addresses of an impossible width", "2, 4 or 8", `${bytes}`);
}

/** The superblock stands at 0, or after a user block of 512, 1024, 2048 ... bytes. */
function findSuperblock(file: ShardFile): number {
  for (let position = 0; position + 48 <= file.size; position = position === 0 ? 512 : position * 2) {
    if (SIGNATURE.equals(file.read(position, SIGNATURE.length, "the signature"))) return position;
  }
  throw new CorruptShardError({
    file: file.path,
    problem: file.size === 0 ? "the file is empty" : "is not an HDF5 file",
    expected: "the signature \\x89HDF",
    found: file.size === 0 ? "0 bytes" : hexOf(file.read(0, Math.min(8, file.size), "the signature")),
    fix: "name an HDF5 file, or copy it again",
  });
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The end that the file names counts from where it believes that it begins; a user block may have been put before. */
function checkEnd(file: ShardFile, position: number, places: Places): void {
  const end = places.end + position - places.base;
  if (end > file.size) corrupt(file.path, file.size, "the file is cut off", `${end} bytes`, `${file.size}`);
}
