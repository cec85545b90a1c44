import {
  assembleJpegCrop,
  CorruptShardError,
  JpegCrop,
  JpegSegments,
  jpegSegmentColumn,
  openDataset,
  openShard,
  planJpegCrop,
  type JpegSegmentColumn,
  type OpenShard,
  type ShardLocation,
} from "@millrace/formats";
import { convert, type ConvertOptions, type ConvertProgress } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { imageBytes, pixelsOf, writeClasses, writeFile } from "./image-files.js";
import { diff } from "./tree.js";

const STOP = new Error("stop");

/** Nine JPEGs that can be cut into segments, one that EXIF turns, one PNG. */
async function photos(): Promise<string> {
  const root = join(tempDir(), "photos");
  await writeClasses(root, ["cat", "dog"], 4, { kind: "jpeg", width: 200, height: 120 });
  const raw = { width: 90, height: 70, channels: 3 } as const;
  const image = sharp(pixelsOf({ width: 90, height: 70, seed: 5 }), { raw });
  writeFile(join(root, "dog/progressive.jpg"), await image.clone().jpeg({ progressive: true }).toBuffer());
  writeFile(join(root, "dog/turned.jpg"), await image.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer());
  writeFile(join(root, "cat/other.png"), await imageBytes());
  return root;
}

function columnOf({ location, index }: OpenShard): JpegSegmentColumn {
  const column = index === undefined ? undefined : jpegSegmentColumn(location.path, index, "image");
  if (column === undefined) throw new Error("there is no column of segments");
  return column;
}

async function pixels(bytes: Uint8Array): Promise<Buffer> {
  return await sharp(bytes, { failOn: "warning" }).raw().toBuffer();
}

it("mode seekable keeps every pixel, and leaves an index of segments for all but what it counts", async () => {
  const source = await photos();
  const out = join(tempDir(), "shards");
  const seen: ConvertProgress[] = [];
  const onProgress = (progress: ConvertProgress): void => void seen.push(progress);
  const report = await convert({ source, out, mode: "seekable", numWorkers: 0, onProgress });
  expect(report.notSeekable).toEqual([
    ["not-jpeg", 1],
    ["orientation", 1],
  ]);
  expect(report).toMatchObject({ samples: 11, rejects: [] });
  expect(seen.at(-1)).toMatchObject({ samples: 11, notSeekable: 2 });
  expect(report.manifest.provenance.options).toMatchObject({ mode: "seekable" });
  await using dataset = await openDataset(out, { checksums: "always" });
  const shard = await openShard(dataset.split("train").shards[0] as ShardLocation);
  const column = columnOf(shard);
  const segments = new JpegSegments();
  const kept: string[] = [];
  for (let row = 0; row < 11; row++) {
    const sample = shard.reader.read(row);
    const key = sample.get("key") as string;
    const bytes = sample.get("image") as Uint8Array;
    const original = readFileSync(join(source, key));
    expect((await pixels(bytes)).equals(await pixels(original))).toBe(true);
    const isSeekable = column.read(row, segments);
    if (!isSeekable) kept.push(key);
    expect(Buffer.from(bytes).equals(original)).toBe(!isSeekable);
    expect(isSeekable ? segments.starts[segments.count] : bytes.length).toBe(bytes.length);
  }
  expect(kept.toSorted()).toEqual(["cat/other.png", "dog/turned.jpg"]);
  shard.close();
});

function cut(bytes: Uint8Array, left: number, top: number): Promise<Buffer> {
  return sharp(bytes).extract({ left, top, width: 40, height: 30 }).raw().toBuffer();
}

function folder(): string {
  return join(tempDir(), "shards");
}

it("a crop is read by its segments out of the shard, and an index of another row is refused", async () => {
  const source = join(tempDir(), "photos");
  await writeClasses(source, ["cat"], 2, { kind: "jpeg", width: 200, height: 120 });
  const out = join(tempDir(), "shards");
  await convert({ source, out, mode: "seekable", format: "arrow", numWorkers: 0 });
  await using dataset = await openDataset(out);
  const shard = await openShard(dataset.split("train").shards[0] as ShardLocation);
  const [segments, crop] = [new JpegSegments(), new JpegCrop()];
  columnOf(shard).read(0, segments);
  const record = shard.reader.readField(0, "image") as Uint8Array;
  planJpegCrop(segments, { left: 70, top: 50, width: 40, height: 30 }, record.length, crop);
  const into = new Uint8Array(crop.byteLength);
  assembleJpegCrop(segments, crop, record, crop.headerStart, crop.dataStart, into, 0);
  expect((await cut(into, crop.left, crop.top)).equals(await cut(record, 70, 50))).toBe(true);
  columnOf(shard).read(1, segments);
  const plan = (): void => planJpegCrop(segments, { left: 0, top: 0, width: 9, height: 9 }, record.length, crop);
  expect(plan).toThrow(CorruptShardError);
  shard.close();
});

it("mode seekable gives the same files by any number of workers, and after an interruption", async () => {
  const options = { source: await photos(), mode: "seekable", format: "webdataset", samplesPerShard: 3 } as const;
  const [alone, together, interrupted] = [folder(), folder(), folder()];
  await convert({ ...options, out: alone, numWorkers: 0 });
  await convert({ ...options, out: together, numWorkers: 2 });
  expect(diff(alone, together)).toBe("");
  const controller = new AbortController();
  const stopped: ConvertOptions = {
    ...options,
    out: interrupted,
    numWorkers: 0,
    signal: controller.signal,
    onProgress: ({ shards }) => void (shards === 2 && controller.abort(STOP)),
  };
  await expect(convert(stopped)).rejects.toBe(STOP);
  const report = await convert({ ...options, out: interrupted, numWorkers: 1 });
  expect(report.resumedShards).toBe(2);
  expect(report.notSeekable.map(([reason]) => reason)).toEqual(["not-jpeg", "orientation"]);
  expect(diff(alone, interrupted)).toBe("");
});

it("a dataset without one seekable image has no column of segments", async () => {
  const source = join(tempDir(), "photos");
  await writeClasses(source, ["cat"], 2);
  const out = join(tempDir(), "shards");
  const { notSeekable, manifest } = await convert({ source, out, mode: "seekable", numWorkers: 0 });
  expect(notSeekable).toEqual([["not-jpeg", 2]]);
  expect(manifest.schema.fields[0]).toMatchObject({ encoding: "png" });
  await using dataset = await openDataset(out);
  const shard = await openShard(dataset.split("train").shards[0] as ShardLocation);
  expect([...(shard.index?.columns.keys() ?? [])].filter((name) => name.startsWith("jpeg"))).toEqual([]);
  shard.close();
});

it("mode seekable has no size", async () => {
  const converting = convert({ source: tempDir(), out: tempDir(), mode: "seekable", size: 64 });
  await expect(converting).rejects.toThrow(/size: has no meaning in mode seekable, which keeps the pixels/u);
});
