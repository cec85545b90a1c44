import { openDataset, openShard, readManifest, type FormatName } from "@millrace/formats";
import { convert, type ConvertOptions, type ConvertProgress } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { convertInChild } from "./convert-child.js";
import { imageBytes, pixelsOf, writeClasses, writeFile } from "./image-files.js";
import { diff, filesIn } from "./tree.js";

const FORMATS: readonly FormatName[] = ["hdf5", "arrow"];

async function photos(classes: readonly string[] = ["cat", "dog"], perClass = 6): Promise<string> {
  const root = join(tempDir(), "photos");
  await writeClasses(root, classes, perClass);
  return root;
}

describe.each(FORMATS)("convert to %s", (format) => {
  it("keeps the bytes of the images without a size", async () => {
    const source = await photos();
    const out = join(tempDir(), "shards");
    const report = await convert({ source, out, format, samplesPerShard: 5, numWorkers: 0 });
    expect(report).toMatchObject({ out, samples: 12, rejects: [], ignored: [], resumedShards: 0 });
    const dataset = await openDataset(out, { checksums: "always" });
    expect(dataset.schema.fields).toEqual([
      { name: "image", kind: "bytes", encoding: "png" },
      { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      { name: "key", kind: "string" },
    ]);
    const train = dataset.split("train");
    expect(train.shards.map(({ samples }) => samples)).toEqual([5, 5, 2]);
    for (let i = 0; i < train.length; i++) {
      const sample = await train.read(i);
      const key = sample.get("key") as string;
      expect(Buffer.from(sample.get("image") as Uint8Array)).toEqual(readFileSync(join(source, key)));
      expect(dataset.classes[(sample.get("label") as Int32Array)[0] as number]).toBe(key.split("/")[0]);
    }
    dataset.close();
  });

  it("stores pixels of the size that is asked for, upright and centred", async () => {
    const source = await photos(["cat"], 3);
    const out = join(tempDir(), "shards");
    const { manifest } = await convert({ source, out, format, size: 8, numWorkers: 0 });
    expect(manifest.schema.fields[0]).toEqual({ name: "image", kind: "tensor", dtype: "uint8", shape: [8, 8, 3] });
    const dataset = await openDataset(out, { checksums: "always" });
    for (let i = 0; i < 3; i++) {
      const sample = await dataset.split("train").read(i);
      const file = readFileSync(join(source, sample.get("key") as string));
      const expected = await sharp(file).resize(8, 8, { fit: "cover" }).removeAlpha().raw().toBuffer();
      expect(Buffer.from(sample.get("image") as Uint8Array)).toEqual(expected);
    }
    dataset.close();
  });

  it("names the classes in every shard, and the shaping options and nothing else in the manifest", async () => {
    const source = await photos(["__proto__", "a\nb", "猫"], 2);
    const out = join(tempDir(), "shards");
    await convert({ source, out, format, size: 4, seed: 3, samplesPerShard: 4, numWorkers: 0 });
    const manifest = await readManifest(out);
    expect(manifest.classes).toEqual(["__proto__", "a\nb", "猫"]);
    expect(manifest.provenance).toEqual({
      tool: expect.stringMatching(/^millrace \d+\.\d+\.\d+/u) as string,
      sourceKind: "image-folder",
      options: { mode: "raw", size: 4, compression: null, samplesPerShard: 4, valFraction: 0, seed: 3 },
      rejected: 0,
    });
    const dataset = await openDataset(out);
    for (const location of dataset.split("train").shards) {
      const shard = await openShard(location);
      expect(JSON.parse(shard.reader.attributes.get("millrace.classes") as string)).toEqual(manifest.classes);
      shard.close();
    }
    dataset.close();
  });

  it("Conversions with 1 and 3 workers, and one killed by SIGKILL half-way and rerun: diff -r finds nothing", async () => {
    const source = await photos(["cat", "dog", "eel"], 20);
    writeFile(join(source, "cat/text.jpg"), "not an image");
    const folder = tempDir();
    const options = { source, format, size: 16, samplesPerShard: 6, valFraction: 0.2 };
    const into = (out: string, numWorkers: number): ConvertOptions => ({
      ...options,
      out: join(folder, out),
      numWorkers,
    });
    await convert(into("one", 1));
    await convert(into("three", 3));
    const { end } = convertInChild(into("killed", 2), { at: 31, action: "SIGKILL" });
    expect((await end).signal).toBe("SIGKILL");
    expect(filesIn(join(folder, "killed"))).not.toContain("dataset.json");
    const { resumedShards } = await convert(into("killed", 2));
    expect(resumedShards).toBeGreaterThan(0);
    for (const other of ["three", "killed"]) expect(diff(join(folder, "one"), join(folder, other))).toBe("");
    expect(filesIn(join(folder, "one")).filter((name) => name.includes(".millrace"))).toEqual([]);
  });
});

describe("convert with compression gzip", () => {
  it("deflates the pixels, which stay the same, whatever the number of workers; the manifest tells it", async () => {
    const source = await photos();
    const folder = tempDir();
    const options = { source, size: 32, numWorkers: 0 } as const;
    const unpacked = await convert({ ...options, out: join(folder, "plain") });
    const one = await convert({ ...options, out: join(folder, "one"), compression: "gzip" });
    await convert({ ...options, out: join(folder, "two"), compression: "gzip", numWorkers: 2 });
    expect(diff(join(folder, "one"), join(folder, "two"))).toBe("");
    expect(one.bytes).toBeLessThan(unpacked.bytes);
    expect(one.manifest.provenance.options).toMatchObject({ compression: "gzip" });
    await using raw = await openDataset(unpacked.out);
    await using deflated = await openDataset(one.out, { checksums: "always" });
    for (let n = 0; n < unpacked.samples; n++)
      expect(await deflated.split("train").read(n)).toEqual(await raw.split("train").read(n));
  });

  it("is refused for images of several sizes, which are not deflated", async () => {
    const source = tempDir();
    writeFile(join(source, "a/1.png"), await imageBytes({ width: 6, height: 4 }));
    writeFile(join(source, "a/2.png"), await imageBytes({ width: 6, height: 5 }));
    const options = { source, out: join(tempDir(), "shards"), mode: "raw", compression: "gzip" } as const;
    await expect(convert(options)).rejects.toThrow(/compression.*images of several sizes.*give a size/u);
  });
});

/** The field `image` of a dataset made of these files. */
async function encodingOf(files: Record<string, Buffer>): Promise<unknown> {
  const source = tempDir();
  for (const [name, bytes] of Object.entries(files)) writeFile(join(source, name), bytes);
  const out = join(tempDir(), "shards");
  const { manifest } = await convert({ source, out, format: "arrow", numWorkers: 0 });
  return manifest.schema.fields[0];
}

describe("the field image of encoded images", () => {
  it("has the encoding of all of them, whatever their names say", async () => {
    const jpeg = await imageBytes({ kind: "jpeg" });
    const png = await imageBytes();
    const webp = await imageBytes({ kind: "webp" });
    const gif = await imageBytes({ kind: "gif" });
    expect(await encodingOf({ "a/1.png": jpeg, "a/2.jpg": jpeg })).toMatchObject({ encoding: "jpeg" });
    expect(await encodingOf({ "a/1.webp": webp })).toMatchObject({ encoding: "webp" });
    expect(await encodingOf({ "a/1.jpg": jpeg, "a/2.jpg": png })).toMatchObject({ encoding: "image" });
    expect(await encodingOf({ "a/1.gif": gif })).toMatchObject({ encoding: "image" });
    expect(await encodingOf({ "a/1.png": png, "a/2.jpg": Buffer.from("text") })).toMatchObject({ encoding: "png" });
  });
});

describe("mode raw without a size", () => {
  it("keeps the size that all images have, upright", async () => {
    const source = tempDir();
    const turned = sharp(await imageBytes({ width: 6, height: 4, kind: "jpeg" })).withMetadata({
      orientation: 6,
    });
    writeFile(join(source, "a/1.jpg"), await turned.toBuffer());
    writeFile(join(source, "a/2.png"), await imageBytes({ width: 4, height: 6, seed: 5 }));
    const out = join(tempDir(), "shards");
    const { manifest } = await convert({ source, out, mode: "raw", format: "arrow", numWorkers: 0 });
    expect(manifest.schema.fields[0]).toMatchObject({ shape: [6, 4, 3] });
    const dataset = await openDataset(out);
    const samples = [await dataset.split("train").read(0), await dataset.split("train").read(1)];
    const png = samples.find((sample) => sample.get("key") === "a/2.png");
    expect(png?.get("image")).toEqual(pixelsOf({ width: 4, height: 6, seed: 5 }));
    dataset.close();
  });

  it.each([
    ["of several sizes", { width: 6, height: 5 }],
    ["that only turning makes equal", { width: 4, height: 6 }],
  ])("keeps the pixels of images %s, each with its size", async (_, size) => {
    const source = tempDir();
    const sizes = [{ width: 6, height: 4 }, size];
    for (const [n, one] of sizes.entries())
      writeFile(join(source, `a/${n}.png`), await imageBytes({ ...one, seed: n }));
    const out = join(tempDir(), "shards");
    const { manifest } = await convert({ source, out, mode: "raw", format: "webdataset", numWorkers: 0 });
    expect(manifest.schema.fields[0]).toEqual({ name: "image", kind: "ragged", dtype: "uint8", rank: 3 });
    expect(manifest.statistics?.values).toBe(24 + size.width * size.height);
    const dataset = await openDataset(out);
    for (const row of [0, 1]) {
      const sample = await dataset.split("train").read(row);
      const n = sample.get("key") === "a/0.png" ? 0 : 1;
      const { width, height } = sizes[n] as { width: number; height: number };
      const image = { data: pixelsOf({ width, height, seed: n }), shape: [height, width, 3] };
      expect(sample.get("image")).toEqual(image);
    }
    dataset.close();
  });

  it("keeps each upright, with its size, if only the orientation in EXIF makes images differ", async () => {
    for (const turned of [1, 2]) {
      const source = tempDir();
      const jpeg = await imageBytes({ width: 6, height: 4, kind: "jpeg" });
      for (const n of [1, 2, 3]) {
        const orientation = n === turned ? 6 : 1;
        writeFile(join(source, `a/${n}.jpg`), await sharp(jpeg).withMetadata({ orientation }).toBuffer());
      }
      const out = join(tempDir(), "shards");
      const { manifest } = await convert({ source, out, mode: "raw", numWorkers: 0 });
      expect(manifest.schema.fields[0]).toMatchObject({ kind: "ragged" });
      const dataset = await openDataset(out);
      for (const row of [0, 1, 2]) {
        const sample = await dataset.split("train").read(row);
        const shape = sample.get("key") === `a/${turned}.jpg` ? [6, 4, 3] : [4, 6, 3];
        expect(sample.get("image")).toMatchObject({ shape });
      }
      dataset.close();
    }
  });
});

/** A PNG of one colour, `[value, 0, 255]`. */
async function plain(value: number): Promise<Buffer> {
  const background = { r: value, g: 0, b: 255 };
  return await sharp({ create: { width: 2, height: 2, channels: 3, background } })
    .png()
    .toBuffer();
}

describe("statistics and counts", () => {
  it("are those of the pixels of train, and of each split's samples", async () => {
    const source = tempDir();
    writeFile(join(source, "train/a/1.png"), await plain(0));
    writeFile(join(source, "train/b/1.png"), await plain(255));
    writeFile(join(source, "train/b/2.png"), await plain(255));
    writeFile(join(source, "train/b/3.png"), await plain(0));
    writeFile(join(source, "val/b/1.png"), await plain(77));
    const out = join(tempDir(), "shards");
    const { manifest } = await convert({
      source,
      out,
      mode: "raw",
      samplesPerShard: 1,
      format: "arrow",
      numWorkers: 0,
    });
    expect(manifest.statistics).toEqual({ field: "image", values: 16, mean: [0.5, 0, 1], std: [0.5, 0, 0] });
    expect(manifest.splits.map(({ name, samples, classCounts }) => [name, samples, classCounts])).toEqual([
      ["train", 4, [1, 3]],
      ["val", 1, [0, 1]],
    ]);
  });

  it("are the same for images that are kept encoded", async () => {
    const source = await photos();
    const folder = tempDir();
    const [encoded, raw] = await Promise.all(
      (["encoded", "raw"] as const).map((mode) =>
        convert({ source, out: join(folder, mode), mode, format: "arrow", numWorkers: 0 }),
      ),
    );
    expect(encoded?.manifest.statistics).toEqual(raw?.manifest.statistics);
  });
});

function refuse(): never {
  throw new Error("listener");
}

describe("progress", () => {
  it("rises to all samples and shards, rejected ones told apart", async () => {
    const source = await photos(["cat"], 30);
    writeFile(join(source, "cat/text.png"), "x");
    const seen: ConvertProgress[] = [];
    const onProgress = (progress: ConvertProgress): void => void seen.push(progress);
    const options = { source, format: "arrow", size: 4, samplesPerShard: 8, onProgress } as const;
    await convert({ ...options, out: join(tempDir(), "shards"), numWorkers: 2 });
    expect(seen.at(-1)).toEqual({ samples: 30, rejected: 1, notSeekable: 0, total: 31, shards: 4, totalShards: 4 });
    const done = seen.map(({ samples, rejected }) => samples + rejected);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(4);
  });

  it("stops the conversion if its listener throws", async () => {
    const source = await photos(["cat"], 30);
    for (const numWorkers of [0, 2]) {
      const out = join(tempDir(), "shards");
      await expect(convert({ source, out, format: "arrow", numWorkers, onProgress: refuse })).rejects.toThrow(
        "listener",
      );
    }
  });
});
