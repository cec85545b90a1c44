import type { ByteSource } from "../byte-source.js";
import { NumberList } from "../number-list.js";
import type { MemberColumns } from "./member-columns.js";
import { splitMemberName } from "./member-name.js";
import { TarScan } from "./tar-scan.js";

/** The members that hold fields, in the order of the archive. Members of other suffixes are passed over. */
export interface MemberIndex {
  /** Number of the first member of each sample, and the number of all at the end. */
  readonly starts: Float64Array;
  /** Of each member: byte offset of its data, their bytes, and the number of its column. */
  readonly offsets: Float64Array;
  readonly sizes: Float64Array;
  readonly columns: Float64Array;
  /** Where the end of the archive begins. */
  readonly end: number;
}

/**
 * Finds the samples of an archive by its headers. Members that follow each other with the same key are a sample.
 *
 * @param columns the suffixes that hold fields
 * @param fold true to take `JPG` for `jpg`, as `webdataset` does
 * @throws CorruptShardError, UnsupportedError
 */
export function indexMembers(source: ByteSource, columns: MemberColumns, fold: boolean): MemberIndex {
  const numbers = new Map([...columns.keys()].map((suffix, number) => [suffix, number]));
  const scan = new TarScan(source);
  const [starts, offsets, sizes, found] = [new NumberList(), new NumberList(), new NumberList(), new NumberList()];
  let key: string | undefined;
  for (let member = scan.next(); member !== undefined; member = scan.next()) {
    const name = splitMemberName(member.name);
    if (name === undefined) continue;
    if (name.key !== key) {
      key = name.key;
      starts.push(offsets.length);
    }
    const number = numbers.get(name.suffix) ?? (fold ? numbers.get(name.suffix.toLowerCase()) : undefined);
    if (number === undefined) continue;
    offsets.push(member.offset);
    sizes.push(member.size);
    found.push(number);
  }
  starts.push(offsets.length);
  return {
    starts: starts.toArray(),
    offsets: offsets.toArray(),
    sizes: sizes.toArray(),
    columns: found.toArray(),
    end: scan.position,
  };
}
