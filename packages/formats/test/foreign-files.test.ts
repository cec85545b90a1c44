import { openDataset, verifyDataset, type Dataset, type Field, type Sample } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { write } from "./format-samples.js";
import { bytesFeature, example, fileOf, int64Feature, record } from "./tfrecord/records.js";
import { archiveOf, member } from "./webdataset/archives.js";

const FIXTURES = new URL("../../../fixtures/", import.meta.url).pathname;
const JPEG = Buffer.from("\u00ff\u00d8\u00ff\u00e0 a jpeg by its first bytes", "latin1");
const PNG = Buffer.from("\u0089PNG\r\n\u001a\n a png by its first bytes", "latin1");

/** A file with a record of these labels. */
function labelled(...labels: readonly number[]): string {
  return fileOf(record(example({ label: int64Feature(...labels) })));
}

/** A file with a record of this image. */
function pictured(image: Uint8Array): string {
  return fileOf(record(example({ image: bytesFeature(image) })));
}

/** A folder with archives of two samples each, of one class, under these names. */
function archives(...names: readonly string[]): string {
  const folder = tempDir();
  for (const [label, name] of names.entries()) {
    const samples = [0, 1].flatMap((n) => [member(`${n}.jpg`, JPEG), member(`${n}.cls`, String(label))]);
    renameSync(archiveOf(...samples), join(folder, name));
  }
  return folder;
}

async function labelsOf(dataset: Dataset): Promise<number[]> {
  const split = dataset.split("train");
  const labels: number[] = [];
  for (let n = 0; n < split.length; n++) labels.push(Number(((await split.read(n)).get("label") as Int32Array)[0]));
  return labels;
}

function namesOf(dataset: Dataset): string[] {
  return dataset.split("train").shards.map(({ path }) => basename(path));
}

describe("one file without a manifest", () => {
  it.each([
    ["hdf5/photos.h5", "hdf5"],
    ["tfrecord/photos.tfrecord", "tfrecord"],
    ["webdataset/photos.tar", "webdataset"],
  ])("of others, %s, is a dataset of one split whose images are recognised", async (file, format) => {
    await using dataset = await openDataset(FIXTURES + file);
    expect(dataset).toMatchObject({ format, manifest: undefined, fingerprint: "", root: FIXTURES + file });
    expect(dataset.splits.map(({ name }) => name)).toEqual(["train"]);
    const images = dataset.schema.fields.filter((field) => field.kind === "bytes" && field.encoding !== "none");
    expect(images.length).toBeGreaterThan(0);
    const sample = await dataset.split("train").read(0);
    expect([...sample.keys()]).toEqual(dataset.schema.fields.map(({ name }) => name));
  });

  it("of Arrow, which has no type for images, has those that the first bytes tell", async () => {
    const path = join(tempDir(), "data.arrow");
    const opaque: Field[] = ["photo", "mask", "blob"].map((name) => ({ name, kind: "bytes", encoding: "none" }));
    const samples = [JPEG, PNG].map((bytes): Sample => {
      return new Map([
        ["photo", JPEG],
        ["mask", bytes],
        ["blob", JPEG.subarray(1)],
      ]);
    });
    await write("arrow", path, { schema: { fields: opaque } }, samples);
    await using dataset = await openDataset(path);
    expect(dataset.schema.fields).toMatchObject([{ encoding: "jpeg" }, { encoding: "image" }, { encoding: "none" }]);
  });

  it.each(["hdf5/photos.h5", "arrow/photos.arrow", "tfrecord/photos.tfrecord", "webdataset/photos.tar"])(
    "%s is known by its first bytes under any name",
    async (file) => {
      const path = join(tempDir(), "train-00000-of-01024");
      copyFileSync(FIXTURES + file, path);
      await using dataset = await openDataset(path);
      expect(dataset.format).toBe(file.split("/")[0]);
    },
  );

  it("of no known format, or that is no file, is refused with the way out", async () => {
    const path = join(tempDir(), "notes.txt");
    writeFileSync(path, "nothing to see here, move along");
    await expect(openDataset(path)).rejects.toThrow(/neither its extension nor its first bytes tell a format/u);
    await expect(openDataset("/dev/null")).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

describe("several files without a manifest", () => {
  it("of a range of numbers are one split, in the order of the numbers", async () => {
    const folder = archives("shard-000.tar", "shard-001.tar", "shard-002.tar");
    await using dataset = await openDataset(join(folder, "shard-{000..002}.tar"));
    expect(dataset).toMatchObject({ format: "webdataset", root: folder });
    expect(namesOf(dataset)).toEqual(["shard-000.tar", "shard-001.tar", "shard-002.tar"]);
    expect(await labelsOf(dataset)).toEqual([0, 0, 1, 1, 2, 2]);
    expect((await verifyDataset(join(folder, "shard-{000..002}.tar"))).samples).toBe(6);
  });

  it("of a range must all be there", async () => {
    const folder = archives("shard-000.tar", "shard-002.tar");
    await expect(openDataset(join(folder, "shard-{000..002}.tar"))).rejects.toMatchObject({
      code: "FILE",
      detail: { file: join(folder, "shard-001.tar") },
    });
  });

  it("of a pattern come in natural order, and one must be there", async () => {
    const folder = archives("b-10.tar", "b-9.tar", "a-2.tar");
    await using dataset = await openDataset(join(folder, "*.tar"));
    expect(namesOf(dataset)).toEqual(["a-2.tar", "b-9.tar", "b-10.tar"]);
    await using some = await openDataset(join(folder, "{b,a}-[0-9].tar"));
    expect(namesOf(some)).toEqual(["b-9.tar", "a-2.tar"]);
    await expect(openDataset(join(folder, "*.tfrecord"))).rejects.toThrow(/no file matches the pattern/u);
  });

  it("of a list come in its order, each once, relative names too", async () => {
    const folder = archives("x.tar", "y.tar");
    const list = [join(folder, "y.tar"), relative(process.cwd(), join(folder, "x.tar")), join(folder, "*.tar")];
    await using dataset = await openDataset(list);
    expect(namesOf(dataset)).toEqual(["y.tar", "x.tar"]);
    await expect(openDataset([])).rejects.toMatchObject({ code: "OPTION" });
  });

  it("whose names are patterns are found by these very names", async () => {
    const folder = archives("shard-{0..9}[a]*.tar", "shard-0a.tar");
    await using dataset = await openDataset(join(folder, "shard-{0..9}[a]*.tar"));
    expect(namesOf(dataset)).toEqual(["shard-{0..9}[a]*.tar"]);
  });

  it("are never more than a hundred thousand", async () => {
    await expect(openDataset("shard-{0..99999999}.tar")).rejects.toThrow(/option dataset: means too many files/u);
  });

  it("must be of one format, and no folder", async () => {
    const folder = archives("x.tar");
    const other = fileOf(record(example({ label: int64Feature(1) })));
    await expect(openDataset([join(folder, "x.tar"), other])).rejects.toThrow(/the files are of several formats/u);
    mkdirSync(join(folder, "sub"));
    await expect(openDataset([join(folder, "x.tar"), join(folder, "sub")])).rejects.toThrow(/is a folder among files/u);
  });
});

describe("the fields of several files", () => {
  it("are images of one encoding, or of several", async () => {
    await using same = await openDataset([pictured(JPEG), pictured(JPEG)]);
    expect(same.schema.fields).toEqual([{ name: "image", kind: "bytes", encoding: "jpeg" }]);
    await using both = await openDataset([pictured(JPEG), pictured(PNG)]);
    expect(both.schema.fields).toEqual([{ name: "image", kind: "bytes", encoding: "image" }]);
  });

  it("are ragged where the files differ in shape, and every sample reads so", async () => {
    await using dataset = await openDataset([labelled(1, 2), labelled(3, 4, 5)]);
    expect(dataset.schema.fields).toEqual([{ name: "label", kind: "ragged", dtype: "int64", rank: 1 }]);
    const [first, second] = [await dataset.split("train").read(0), await dataset.split("train").read(1)];
    expect(first.get("label")).toEqual({ data: BigInt64Array.of(1n, 2n), shape: [2] });
    expect(second.get("label")).toEqual({ data: BigInt64Array.of(3n, 4n, 5n), shape: [3] });
  });

  it("must agree, and the error names the file and the field", async () => {
    const [label, image] = [labelled(1), pictured(JPEG)];
    await expect(openDataset([label, image])).rejects.toMatchObject({
      code: "UNSUPPORTED",
      detail: { file: image, field: "label", found: "no such field" },
    });
    const both = fileOf(record(example({ label: int64Feature(1), image: bytesFeature(JPEG) })));
    await expect(openDataset([label, both])).rejects.toMatchObject({ detail: { file: both, field: "image" } });
  });
});

describe("verify of files without a manifest", () => {
  const records = [1, 2, 3].map((n) => record(example({ label: int64Feature(n, n) })));

  it("names sample, file and byte where TFRecord's own checksums do not fit", async () => {
    const whole = fileOf(...records);
    const damaged = fileOf(...records);
    const bytes = readFileSync(damaged);
    const at = 2 * (records[0] as Buffer).length - 6;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(damaged, bytes);
    const { ok, damages, samples } = await verifyDataset([whole, damaged]);
    expect({ ok, samples }).toEqual({ ok: false, samples: 3 });
    expect(damages).toMatchObject([{ file: damaged, kind: "sample", sample: 1, byte: records[0]?.length }]);
  });

  it("goes on past a file that does not open, and tells which bytes of it are lost", async () => {
    const [first, second] = records as [Buffer, Buffer];
    const whole = fileOf(...records);
    const damaged = fileOf(first, Buffer.alloc(second.length, 7), first);
    const { ok, damages, samples } = await verifyDataset([damaged, whole]);
    expect({ ok, samples }).toEqual({ ok: false, samples: 3 });
    expect(damages).toMatchObject([{ file: damaged, kind: "unreadable", sample: 1, byte: first.length }]);
    expect(damages[0]?.message).toContain(`${second.length} bytes from ${first.length} on without a sound record`);
  });
});
