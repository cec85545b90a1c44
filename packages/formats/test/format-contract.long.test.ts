import {
  byteLengthOf,
  checksumBytes,
  crc32c,
  endOf,
  indexPathOf,
  offsetOf,
  openDataset,
  openFormat,
  sampleBytes,
  writeManifest,
  writeShardIndex,
  type Extents,
  type FormatName,
  type Sample,
  type SampleValue,
  type Schema,
} from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { write } from "./format-samples.js";
import {
  buildFile,
  chunked,
  contiguous,
  header,
  link,
  noOtherLinks,
  pack,
  space,
  unsigned,
} from "./hdf5/build-file.js";
import { bytesFeature, example, header as frame, record, varint } from "./tfrecord/records.js";
import { base256, member } from "./webdataset/archives.js";

const GIB = 2 ** 30;

/** A file of holes, with some bytes here and there. */
function sparse(path: string, size: number, parts: readonly [position: number, bytes: Uint8Array][]): void {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, "wx");
  ftruncateSync(fd, size);
  for (const [position, bytes] of parts) writeSync(fd, bytes, 0, bytes.length, position);
  closeSync(fd);
  expect(statSync(path).blocks * 512).toBeLessThan(4 * 2 ** 20);
}

/** A file that passes 4 GiB, and what it holds behind them. */
interface LargeFile {
  readonly schema: Schema;
  readonly samples: number;
  /** Rows whose bytes begin behind 4 GiB. */
  readonly rows: ReadonlyMap<number, Sample>;
}

const image: Schema = { fields: [{ name: "image", kind: "tensor", dtype: "uint8", shape: [65_536] }] };

function photo(n: number): Uint8Array {
  return Uint8Array.from({ length: 65_536 }, (_, i) => n * 7 + i);
}

/** Rows in one run; or, with `chunk`, a chunk a row, of which those behind 4 GiB are written. */
function largeHdf5(path: string, isChunked: boolean): LargeFile {
  const samples = isChunked ? 3 : 80_000;
  const data = 4096;
  const rows = isChunked ? [1, 2] : [70_000, samples - 1];
  const place = (row: number): number => (isChunked ? row * 4.5 * GIB : row * 65_536) + data;
  const layout = isChunked ? chunked(2048, 1, 1, 65_536) : contiguous(data, samples * 65_536);
  const entries = [0, 1, 2].map((row) => pack([4, 65_536], [4, 0], [8, row], [8, 0], [8, 0], [8, place(row)]));
  const tree = pack("TREE", [1, 1], [1, 0], [2, 3], [8, -1], [8, -1], ...entries);
  const dataset = header([space(samples, 65_536), unsigned(1), layout]);
  const size = place(samples - 1) + 65_536;
  const file = buildFile(
    header([noOtherLinks, link("image", 1024)]),
    [
      [1024, dataset],
      [2048, tree],
    ],
    size,
  );
  sparse(path, size, [[0, file], ...rows.map((row): [number, Uint8Array] => [place(row), photo(row)])]);
  return { schema: image, samples, rows: new Map(rows.map((row) => [row, new Map([["image", photo(row)]])])) };
}

/** A file of ours whose record batch is moved behind 4 GiB. */
async function largeArrow(path: string): Promise<LargeFile> {
  const samples = [3, 4].map(
    (n): Sample =>
      new Map<string, SampleValue>([
        ["image", photo(n)],
        ["key", `ä${n}`],
      ]),
  );
  const schema: Schema = { fields: [...image.fields, { name: "key", kind: "string" }] };
  const small = join(tempDir(), "small.arrow");
  await write("arrow", small, { schema }, samples);
  const bytes = readFileSync(small);
  const footerBytes = bytes.readInt32LE(bytes.length - 10);
  const footer = Buffer.from(bytes.subarray(bytes.length - 10 - footerBytes));
  // The block of the batch: its offset, the length of its metadata, the length of its body.
  const batch = [...footer.keys()].find((at) => {
    if (at + 24 > footer.length) return false;
    const [offset, metadata, body] = [
      footer.readBigInt64LE(at),
      footer.readInt32LE(at + 8),
      footer.readBigInt64LE(at + 16),
    ];
    const stop = Number(offset) + metadata + Number(body);
    return offset >= 8n && metadata > 0 && body >= 131_072n && stop <= bytes.length - footerBytes;
  });
  const from = Number(footer.readBigInt64LE(batch));
  const moved = 5 * GIB;
  footer.writeBigInt64LE(BigInt(moved), batch);
  const messages = bytes.subarray(from, bytes.length - 10 - footerBytes);
  sparse(path, moved + messages.length + footer.length, [
    [0, bytes.subarray(0, from)],
    [moved, messages],
    [moved + messages.length, footer],
  ]);
  return { schema, samples: 2, rows: new Map(samples.entries()) };
}

const value: Schema = { fields: [{ name: "bin", kind: "bytes", encoding: "none" }] };
const FILLER = 1.5 * GIB;

/** The beginning of a message that goes on for `rest` bytes. */
function nested(number: number, inner: Buffer, rest: number): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(inner.length + rest), inner]);
}

/** An Example of one value of so many zeros, without them. */
function hollowExample(zeros: number): Buffer {
  const list = nested(1, Buffer.alloc(0), zeros);
  const feature = nested(2, nested(1, list, zeros), zeros);
  const key = Buffer.concat([varint(10), varint(3), Buffer.from("bin")]);
  return nested(1, nested(1, Buffer.concat([key, feature]), zeros), zeros);
}

/** A small sample, three of 1.5 GiB, and those that lie behind them. */
function binFile(): LargeFile {
  const rows = ["behind", "4 GiB"].map((text, n): [number, Sample] => [n + 4, new Map([["bin", bytesOfText(text)]])]);
  return { schema: value, samples: 6, rows: new Map(rows) };
}

function bytesOfText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function largeTfrecord(path: string): LargeFile {
  const hollow = hollowExample(FILLER);
  const payload = hollow.length + FILLER;
  const [first, ...last] = ["first", "behind", "4 GiB"].map((text) => record(example({ bin: bytesFeature(text) })));
  const start = (first as Buffer).length;
  const fillers = [0, 1, 2].map((n): [number, Uint8Array] => [
    start + n * (payload + 16),
    Buffer.concat([frame(BigInt(payload)), hollow]),
  ]);
  const end = start + 3 * (payload + 16);
  const tail = Buffer.concat(last);
  sparse(path, end + tail.length, [[0, first as Buffer], ...fillers, [end, tail]]);
  return binFile();
}

function largeTar(path: string): LargeFile {
  const octal = `${FILLER.toString(8).padStart(11, "0")}\0`;
  const first = member("0.bin", "first");
  const fillers = [0, 1, 2].map((n): [number, Uint8Array] => [
    first.length + n * (FILLER + 512),
    member(`${n + 1}.bin`, "", { size: n === 2 ? base256(BigInt(FILLER)) : octal }),
  ]);
  const last = Buffer.concat([member("4.bin", "behind"), member("5.bin", "4 GiB"), Buffer.alloc(1024)]);
  const end = first.length + 3 * (FILLER + 512);
  sparse(path, end + last.length, [[0, first], ...fillers, [end, last]]);
  return binFile();
}

const files: readonly [string, FormatName, string, (path: string) => LargeFile | Promise<LargeFile>][] = [
  ["HDF5, in one run", "hdf5", "h5", (path) => largeHdf5(path, false)],
  ["HDF5, in chunks", "hdf5", "h5", (path) => largeHdf5(path, true)],
  ["Arrow", "arrow", "arrow", largeArrow],
  ["TFRecord", "tfrecord", "tfrecord", largeTfrecord],
  ["WebDataset", "webdataset", "tar", largeTar],
];

/** Makes the sparse file the shard of a dataset, with the checksums of the rows that are read. */
async function commit(root: string, path: string, format: FormatName, file: LargeFile): Promise<void> {
  const columns = new Map(file.schema.fields.map(({ name }) => [`crc32c/${name}`, new Uint32Array(file.samples)]));
  for (const [row, sample] of file.rows) {
    for (const [name, one] of sample) columns.get(`crc32c/${name}`)?.set([crc32c(checksumBytes(one))], row);
  }
  const index = await writeShardIndex(indexPathOf(path), { samples: file.samples, columns });
  const { samples } = file;
  const shard = { path: path.slice(root.length + 1), samples, bytes: statSync(path).size, crc32c: "0x00000000", index };
  await writeManifest(root, {
    manifestVersion: 1,
    format,
    schema: file.schema,
    splits: [{ name: "train", samples, classCounts: [], shards: [shard] }],
    classes: [],
    statistics: null,
    provenance: { tool: "test", sourceKind: "test", options: {}, rejected: 0 },
  });
}

describe.each(files)("a file of more than 4 GiB: %s", (_, format, extension, make) => {
  it("has its last rows at extents behind 4 GiB, and gives them", async () => {
    const path = join(tempDir(), `large.${extension}`);
    const { schema, samples, rows } = await make(path);
    const reader = await (await openFormat(format)).openReader(path, { schema });
    expect([reader.schema, reader.length]).toEqual([schema, samples]);
    const fd = openSync(path, "r");
    for (const [row, sample] of rows) {
      for (const [name, one] of sample) {
        expect(reader.readField(row, name)).toEqual(one);
        const extents = reader.extents(name) as Extents;
        expect(extents.length).toBe(samples);
        expect(offsetOf(extents, row)).toBeGreaterThan(4 * GIB);
        expect(endOf(extents)).toBeLessThanOrEqual(statSync(path).size);
        const bytes = Buffer.alloc(byteLengthOf(extents, row));
        readSync(fd, bytes, 0, bytes.length, offsetOf(extents, row));
        expect(bytes.equals(sampleBytes(one))).toBe(true);
      }
    }
    closeSync(fd);
    reader.close();
  });

  it("is a shard of a dataset, whose sidecar checks them", async () => {
    const root = tempDir();
    const path = join(root, "train", `shard-00000.${extension}`);
    const file = await make(path);
    await commit(root, path, format, file);
    const dataset = await openDataset(root);
    for (const [row, sample] of file.rows) expect(await dataset.split("train").read(row)).toEqual(sample);
    dataset.close();
    const [[row, sample]] = [...file.rows] as [[number, Sample]];
    const reader = await (await openFormat(format)).openReader(path, { schema: file.schema });
    const [name] = [...sample.keys()] as [string];
    const at = offsetOf(reader.extents(name) as Extents, row);
    reader.close();
    const fd = openSync(path, "r+");
    writeSync(fd, Uint8Array.of(0xee), 0, 1, at);
    closeSync(fd);
    const damaged = await openDataset(root);
    await expect(damaged.split("train").read(row)).rejects.toMatchObject({
      code: "CORRUPT_SHARD",
      detail: { sample: row },
    });
    damaged.close();
  });
});
