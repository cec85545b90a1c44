import {
  byteLengthOf,
  createDataset,
  offsetOf,
  openFormat,
  type FormatName,
  type Sample,
  type SampleValue,
  type Schema,
} from "@millrace/formats";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { write } from "../format-samples.js";

/** A sound file to be damaged. */
export interface Subject {
  readonly format: FormatName;
  /** `ours`, or the fixture that another library made. */
  readonly name: string;
  readonly path: string;
  readonly bytes: Buffer;
  /** True for a byte that says where and what samples are: a header, index or footer. */
  readonly isHeader: (at: number) => boolean;
}

/** A sound dataset whose files are to be damaged. */
export interface DatasetSubject {
  readonly format: FormatName;
  readonly root: string;
  readonly shard: string;
  readonly index: string;
  readonly manifest: string;
}

/** Fixtures of each kind of file that the formats' own libraries make. */
const FIXTURES: Readonly<Record<FormatName, readonly string[]>> = {
  hdf5: ["photos.h5", "earliest.h5", "latest.h5", "scale-offset.h5"],
  arrow: [
    "photos.arrow",
    "kinds.arrow",
    "dictionary.arrow",
    "kinds-zstd.arrow",
    "dictionary-lz4.arrow",
    "views.arrow",
    "stream.arrow",
    "stream-replaced-zstd.arrow",
  ],
  tfrecord: ["photos.tfrecord", "forms.tfrecord", "gzip.tfrecord", "zlib.tfrecord"],
  webdataset: ["photos.tar", "pax.tar", "gnu.tar"],
};

/** A field of every kind. */
export const smallSchema: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [2, 3, 3] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "key", kind: "string" },
    { name: "boxes", kind: "ragged", dtype: "int16", rank: 1 },
    { name: "photo", kind: "bytes", encoding: "jpeg" },
  ],
};

/** Sample number `n` of {@link smallSchema}. */
export function smallSample(n: number): Sample {
  return new Map<string, SampleValue>([
    ["image", Uint8Array.from({ length: 18 }, (_, i) => 40 + n * 20 + i)],
    ["label", Int32Array.of(n + 5)],
    ["key", `katze/ä${n}.jpg`],
    ["boxes", { data: Int16Array.of(n + 300, -7), shape: [2] }],
    ["photo", Uint8Array.of(0xff, 0xd8, 0xff, n + 1, 77)],
  ]);
}

/** Bytes of a tar file that are headers, or the data of extended ones. */
function tarHeaders(bytes: Buffer): (at: number) => boolean {
  const headers = new Set<number>();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = Number.parseInt(bytes.toString("latin1", at + 124, at + 135), 8);
    const end = at + 512 + Math.ceil(size / 512) * 512;
    const stop = "gxLK".includes(String.fromCharCode(bytes[at + 156] as number)) ? end : at + 512;
    for (let block = at; block < stop; block += 512) headers.add(block);
    at = end;
  }
  return (at) => headers.has(at - (at % 512));
}

/** Elements of datasets stand in front in a file of ours, those of offsets and shapes too; behind them is what says so. */
function hdf5Metadata(bytes: Buffer): (at: number) => boolean {
  const elements = bytes.indexOf("GCOL");
  return (at) => at < 64 || at >= elements;
}

/** Everything that is not the bytes of a sample. */
async function outsideOfSamples(format: FormatName, path: string, size: number): Promise<(at: number) => boolean> {
  const samples = new Uint8Array(size);
  const reader = await (await openFormat(format)).openReader(path);
  for (const { name } of reader.schema.fields) {
    const extents = reader.extents(name);
    if (extents === undefined) continue;
    for (let row = 0; row < extents.length; row++) {
      const at = offsetOf(extents, row);
      samples.fill(1, at, at + byteLengthOf(extents, row));
    }
  }
  reader.close();
  return (at) => samples[at] === 0;
}

async function subject(format: FormatName, name: string, path: string): Promise<Subject> {
  const bytes = readFileSync(path);
  if (format === "webdataset") return { format, name, path, bytes, isHeader: tarHeaders(bytes) };
  if (format === "hdf5" && name === "ours") return { format, name, path, bytes, isHeader: hdf5Metadata(bytes) };
  return { format, name, path, bytes, isHeader: await outsideOfSamples(format, path, bytes.length) };
}

/** Small files of a format in `folder`: one of ours, and copies of those of others. */
export async function makeSubjects(format: FormatName, folder: string): Promise<Subject[]> {
  const extension = (await openFormat(format)).extensions[0];
  const ours = join(folder, `ours.${extension}`);
  await write(format, ours, { schema: smallSchema, expectedSamples: 2 }, [smallSample(0), smallSample(1)]);
  const subjects = [await subject(format, "ours", ours)];
  for (const name of FIXTURES[format]) {
    const path = join(folder, name);
    copyFileSync(fileURLToPath(new URL(`../../../../fixtures/${format}/${name}`, import.meta.url)), path);
    subjects.push(await subject(format, name, path));
  }
  return subjects;
}

/** A dataset of two shards in a new folder at `root`; its second shard is the one to be damaged. */
export async function makeDataset(format: FormatName, root: string): Promise<DatasetSubject> {
  const writer = await createDataset(root, { schema: smallSchema, format, samplesPerShard: 2 });
  for (let n = 0; n < 4; n++) await writer.write(smallSample(n));
  const { splits } = await writer.finish();
  const shard = join(root, splits[0]?.shards[1]?.path ?? "");
  return {
    format,
    root,
    shard,
    index: shard.replace(/\.[^.]+$/u, ".index"),
    manifest: join(root, "dataset.json"),
  };
}
