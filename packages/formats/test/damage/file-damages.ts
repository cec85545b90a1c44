import type { Edit } from "./prober.js";
import type { Subject } from "./subjects.js";

/** A kind of damage to any file: every way to do it. */
export interface FileDamage {
  readonly name: string;
  /** True for damages to samples. */
  readonly isPlain?: boolean;
  edits(file: Pick<Subject, "bytes" | "isHeader" | "format">): Edit[];
}

/** First bytes of files that are something else. */
const OTHER_MAGICS = ["\u0089HDF\r\n\u001a\n", "ARROW1\0\0", "\u00ff\u00d8\u00ff\u00e0", "PK\u0003\u0004", "MRINDEX1"];

function lengths(bytes: Buffer): Edit[] {
  return Array.from({ length: bytes.length - 1 }, (_, n) => ({ length: bytes.length - 1 - n }));
}

function bits(bytes: Buffer, isChosen: (at: number) => boolean): Edit[] {
  return Array.from({ length: bytes.length * 8 }, (_, bit) => bit)
    .filter((bit) => isChosen(bit >> 3))
    .map((bit) => ({ bit }));
}

/** Damages that every file can have. */
export const fileDamages: readonly FileDamage[] = [
  { name: "cut off at any byte", edits: ({ bytes }) => lengths(bytes) },
  { name: "empty", edits: () => [{ length: 0 }] },
  {
    name: "another magic",
    edits: ({ bytes }) =>
      OTHER_MAGICS.map((text) => Buffer.from(text, "latin1"))
        .filter((magic) => !bytes.subarray(0, magic.length).equals(magic))
        .map((magic) => ({ at: 0, bytes: magic })),
  },
  { name: "any bit of a header, index or footer flipped", edits: ({ bytes, isHeader }) => bits(bytes, isHeader) },
  {
    name: "any bit of a sample flipped",
    isPlain: true,
    edits: ({ bytes, isHeader }) => bits(bytes, (at) => !isHeader(at)),
  },
  {
    name: "bytes added at the end",
    edits: ({ bytes }) =>
      [1, 7, 512, 5000].flatMap((length) =>
        [0, 0xff].map((fill) => ({ at: bytes.length, bytes: Buffer.alloc(length, fill) })),
      ),
  },
];

/** At most `most` of a list, evenly spread, with the first and the last. */
export function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, n) => list[Math.round((n * (list.length - 1)) / (most - 1))] as T);
}
