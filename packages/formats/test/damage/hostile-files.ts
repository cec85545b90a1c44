import type { FormatName, Schema } from "@millrace/formats";
import { MetadataVersion } from "apache-arrow/fb/metadata-version";
import { Type } from "apache-arrow/fb/type";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateSync, gzipSync } from "node:zlib";
import { circularFooter, fileOf, footerOf } from "../arrow/build-footer.js";
import {
  buildFile,
  chunked,
  contiguous,
  header,
  link,
  MESSAGE,
  noOtherLinks,
  pack,
  space,
  unsigned,
} from "../hdf5/build-file.js";
import { bytesFeature, example, field, header as frame, int64Feature, record, varint } from "../tfrecord/records.js";
import { base256, member, paxRecord, seal } from "../webdataset/archives.js";

/** A file that was made to do harm. */
export interface HostileFile {
  readonly damage: string;
  readonly format: FormatName;
  /** What the file holds. */
  readonly make: () => Uint8Array;
  /** How to open it; without it, by what it holds. */
  readonly schema?: Schema | undefined;
  /** A sound file that has to give the same, where the format says that the trap is none. */
  readonly sameAs?: (() => Uint8Array) | undefined;
}

/** The damages of {@link hostileFiles}, in the order of the table. */
export const HOSTILE = {
  length: "a length that claims exabytes",
  offset: "an offset outside of the file",
  circle: "references in a circle",
  climbs: "a name with .. or an absolute one",
  link: "a link to another file",
  many: "a million entries",
  twice: "one name twice",
  checksum: "a checksum that is wrong",
  bomb: "compressed data without end",
} as const;

const MILLION = 1_000_000;
const DATASET = 1024;
const DATA = 4096;

function fixture(format: FormatName, name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../../../../fixtures/${format}/${name}`, import.meta.url)));
}

/** A copy of `bytes` with others before every place where `mark` stands. */
function writtenBefore(bytes: Buffer, mark: Uint8Array, before: Uint8Array): Buffer {
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) bytes.set(before, at - before.length);
  return bytes;
}

function dataset(messages: readonly [number, Buffer][], ...parts: readonly [number, Buffer][]): Buffer {
  return buildFile(header([noOtherLinks, link("image", DATASET)]), [[DATASET, header(messages)], ...parts]);
}

const elements: [number, Buffer] = [DATA, Buffer.from("abcdefgh")];
const plain: [number, Buffer][] = [space(4, 2), unsigned(1), contiguous(DATA, 8)];

/** A group with these links besides a sound dataset. */
function linked(...links: readonly [number, Buffer][]): Buffer {
  return buildFile(
    header([noOtherLinks, link("image", DATASET), ...links]),
    [[DATASET, header(plain)], elements],
    4104,
  );
}

/** A dataset of one deflated chunk. */
function deflated(stream: Buffer): Buffer {
  const tree = pack(
    "TREE",
    [1, 1],
    [1, 0],
    [2, 1],
    [8, -1],
    [8, -1],
    [4, stream.length],
    [4, 0],
    [8, 0],
    [8, 0],
    [8, DATA],
  );
  const filters: [number, Buffer] = [MESSAGE.filters, pack([1, 1], [1, 1], [6, 0], [2, 1], [2, 0], [2, 0], [2, 0])];
  return dataset([space(4), unsigned(1), chunked(2048, 1, 4), filters], [2048, tree], [DATA, stream]);
}

const again: [number, Buffer] = [MESSAGE.continuation, pack([8, 512], [8, 32])];

const hdf5: readonly Omit<HostileFile, "format">[] = [
  { damage: HOSTILE.length, make: () => dataset([space(2 ** 60), unsigned(1), contiguous(DATA, 2 ** 60)], elements) },
  { damage: HOSTILE.length, make: () => dataset([space(1, 2 ** 52), unsigned(1), contiguous(-1, 0)], elements) },
  { damage: HOSTILE.length, make: () => buildFile(header([], 0xffff_fff0)) },
  { damage: HOSTILE.offset, make: () => dataset([space(4, 2), unsigned(1), contiguous(2 ** 52, 8)], elements) },
  { damage: HOSTILE.offset, make: () => dataset([space(4), unsigned(1), chunked(2 ** 52, 1, 2)], elements) },
  { damage: HOSTILE.offset, make: () => buildFile(header([noOtherLinks, link("image", 2 ** 40)])) },
  { damage: HOSTILE.circle, make: () => buildFile(header([again]), [[512, header([again]).subarray(16)], elements]) },
  { damage: HOSTILE.circle, make: () => linked(link("again", 96)), sameAs: () => linked() },
  {
    damage: HOSTILE.circle,
    make: () => {
      const tree = pack("TREE", [1, 1], [1, 1], [2, 1], [8, -1], [8, -1], [4, 2], [4, 0], [8, 0], [8, 0], [8, 2048]);
      return dataset([space(4), unsigned(1), chunked(2048, 1, 2)], [2048, tree], elements);
    },
  },
  { damage: HOSTILE.climbs, make: () => linked(link("..", DATASET)), sameAs: () => linked() },
  { damage: HOSTILE.climbs, make: () => linked(link("/etc/passwd", DATASET)), sameAs: () => linked() },
  { damage: HOSTILE.link, make: () => fixture("hdf5", "link.h5") },
  { damage: HOSTILE.link, make: () => fixture("hdf5", "external.h5") },
  {
    damage: HOSTILE.many,
    // A message of nothing is eight zeros.
    make: () => buildFile(Buffer.concat([header([], MILLION * 8), Buffer.alloc(MILLION * 8)])),
  },
  { damage: HOSTILE.many, make: () => dataset([space(MILLION), unsigned(1), chunked(2048, 1, 1)], elements) },
  { damage: HOSTILE.twice, make: () => linked(link("image", DATASET)), sameAs: () => linked() },
  {
    damage: HOSTILE.checksum,
    make: () => {
      const bytes = fixture("hdf5", "latest.h5");
      bytes.writeUInt8((bytes[44] as number) ^ 1, 44);
      return bytes;
    },
  },
  { damage: HOSTILE.bomb, make: () => fixture("hdf5", "bomb.h5") },
  { damage: HOSTILE.bomb, make: () => deflated(deflateSync(Buffer.alloc(2 ** 27))) },
];

const zstd = Buffer.from("28b52ffd", "hex");
const exabytes = Buffer.from(BigInt64Array.of(2n ** 60n).buffer);

const arrow: readonly Omit<HostileFile, "format">[] = [
  ...[
    [8n, 64, 2n ** 62n],
    [8n, 2 ** 31 - 1, 8n],
  ].map((block) => ({
    damage: HOSTILE.length,
    make: () => fileOf(footerOf({ blocks: [block as [bigint, number, bigint]] }), Buffer.alloc(128)),
  })),
  ...[
    [2n ** 62n, 64, 0n],
    [-8n, 64, 0n],
  ].map((block) => ({
    damage: HOSTILE.offset,
    make: () => fileOf(footerOf({ blocks: [block as [bigint, number, bigint]] }), Buffer.alloc(128)),
  })),
  ...[Type.List, Type.FixedSizeList, Type.Struct_, Type.Map].map((type) => ({
    damage: HOSTILE.circle,
    make: () => fileOf(circularFooter(type)),
  })),
  { damage: HOSTILE.climbs, make: () => fixture("arrow", "odd-name.arrow") },
  { damage: HOSTILE.many, make: () => fileOf(footerOf({ fields: MILLION })) },
  { damage: HOSTILE.many, make: () => fileOf(footerOf({ fields: 30_000, entries: 30_000 })) },
  {
    damage: HOSTILE.many,
    make: () => {
      const blocks = Array.from({ length: MILLION }, (): [bigint, number, bigint] => [8n, 64, 0n]);
      return fileOf(footerOf({ blocks, version: MetadataVersion.V5 }), Buffer.alloc(128));
    },
  },
  { damage: HOSTILE.twice, make: () => fixture("arrow", "named-twice.arrow") },
  { damage: HOSTILE.bomb, make: () => writtenBefore(fixture("arrow", "compressed-zstd.arrow"), zstd, exabytes) },
];

const seven = record(example({ label: int64Feature(7) }));

/** An Example of a map with these entries, in which a key may stand twice. */
function entries(...list: readonly [string, Buffer][]): Buffer {
  return field(1, ...list.map(([key, value]) => field(1, field(1, key), field(2, value))));
}

function withWrongByte(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy.at(at) as number) ^ 0x10, at < 0 ? copy.length + at : at);
  return copy;
}

const tfrecord: readonly Omit<HostileFile, "format">[] = [
  ...[2n ** 63n, 2n ** 60n, 2n ** 53n, 2n ** 32n].map((length) => ({
    damage: HOSTILE.length,
    make: () => Buffer.concat([seven, frame(length), Buffer.alloc(64)]),
  })),
  { damage: HOSTILE.length, make: () => record(Buffer.concat([varint(10), varint(2n ** 62n)])) },
  {
    damage: HOSTILE.climbs,
    make: () => record(example({ "../x": bytesFeature("a"), "/etc": bytesFeature("b"), label: int64Feature(7) })),
    sameAs: () => seven,
  },
  {
    damage: HOSTILE.many,
    make: () => {
      const entry = field(1, field(1, "label"), field(2, int64Feature(7)));
      return record(field(1, Buffer.alloc(MILLION * entry.length, entry)));
    },
  },
  {
    damage: HOSTILE.twice,
    make: () => record(entries(["label", int64Feature(1)], ["label", int64Feature(7)])),
    sameAs: () => seven,
  },
  ...[0, 9, 14, -1].map((at) => ({
    damage: HOSTILE.checksum,
    make: () => Buffer.concat([seven, withWrongByte(seven, at), seven]),
  })),
  { damage: HOSTILE.bomb, make: () => gzipSync(Buffer.alloc(2 ** 27)) },
  { damage: HOSTILE.bomb, make: () => deflateSync(Buffer.alloc(2 ** 27)) },
];

const text = member("0.txt", "text");

function tar(...members: readonly Uint8Array[]): Buffer {
  return Buffer.concat([...members, Buffer.alloc(1024)]);
}

/** A link of this type to a file outside. */
function linkMember(type: string, name: string): Buffer {
  const bytes = member(name, "", { type });
  bytes.write("../../etc/passwd", 157, "latin1");
  return seal(bytes);
}

const webdataset: readonly Omit<HostileFile, "format">[] = [
  { damage: HOSTILE.length, make: () => tar(text, member("1.txt", "x", { size: base256(2n ** 60n) })) },
  { damage: HOSTILE.length, make: () => tar(text, member("1.txt", "x", { size: "77777777777\0" })) },
  {
    damage: HOSTILE.length,
    make: () => tar(text, member("pax", paxRecord("size", "9".repeat(19)), { type: "x" }), member("1.txt", "x")),
  },
  {
    damage: HOSTILE.circle,
    make: () => {
      const long = member("././@LongLink", "././@LongLink\0", { type: "L" });
      return tar(...Array.from({ length: 1000 }, () => long), text);
    },
  },
  ...["../x.txt", "/x.txt", "a/../../x.txt", "a/.."].map((name) => ({
    damage: HOSTILE.climbs,
    make: () => tar(text, member(name, "x")),
  })),
  ...["../z.txt", "/z.txt"].flatMap((name) =>
    [member("pax", paxRecord("path", name), { type: "x" }), member("././@LongLink", `${name}\0`, { type: "L" })].map(
      (before) => ({ damage: HOSTILE.climbs, make: () => tar(text, before, member("1.txt", "x")) }),
    ),
  ),
  ...["1", "2"].map((type) => ({
    damage: HOSTILE.link,
    make: () => tar(text, linkMember(type, "0.cls"), linkMember(type, "1.txt")),
    sameAs: () => tar(text),
  })),
  {
    damage: HOSTILE.many,
    make: () => tar(member("pax", "9 a=bcde\n".repeat(MILLION), { type: "x" }), text),
  },
  { damage: HOSTILE.twice, make: () => tar(text, member("0.txt", "x")) },
  { damage: HOSTILE.checksum, make: () => tar(text, withWrongByte(member("1.txt", "x"), 150)) },
  { damage: HOSTILE.bomb, make: () => gzipSync(Buffer.alloc(2 ** 27)) },
];

/** Files that were made to do harm, of every format. */
export const hostileFiles: readonly HostileFile[] = Object.entries({ hdf5, arrow, tfrecord, webdataset }).flatMap(
  ([format, files]) => files.map((file) => ({ ...file, format: format as FormatName })),
);
