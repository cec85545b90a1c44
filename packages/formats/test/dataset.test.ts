import {
  createDataset,
  FORMAT_NAMES,
  indexPathOf,
  openDataset,
  openShard,
  readManifest,
  sampleBytes,
  writeManifest,
  type FormatName,
  type Sample,
  type Schema,
} from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const schema: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [4, 5, 3] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "key", kind: "string" },
  ],
};

/** Sample number `n`, told apart from every other by all its fields. */
function sampleOf(n: number): Sample {
  return new Map<string, Uint8Array | Int32Array | string>([
    ["image", Uint8Array.from({ length: 60 }, (_, i) => (n * 31 + i * 7) & 255)],
    ["label", Int32Array.of(n % 3)],
    ["key", `cat/${n}-ä.png`],
  ]);
}

async function write(format: FormatName, count: number, samplesPerShard = 4): Promise<string> {
  const root = join(tempDir(), "shards");
  const writer = await createDataset(root, { schema, format, samplesPerShard, classes: ["a", "b", "__proto__"] });
  for (let n = 0; n < count; n++) await writer.write(sampleOf(n));
  await writer.write(sampleOf(1000), "val");
  await writer.finish();
  return root;
}

describe.each(FORMAT_NAMES)("a dataset of %s shards", (format) => {
  it("gives back every sample of every split, in the order they were written", async () => {
    const root = await write(format, 10);
    await using dataset = await openDataset(root);
    expect(dataset.splits.map(({ name, length }) => [name, length])).toEqual([
      ["train", 10],
      ["val", 1],
    ]);
    for (let n = 0; n < 10; n++) expect(await dataset.split("train").read(n)).toEqual(sampleOf(n));
    expect(await dataset.split("val").read(0)).toEqual(sampleOf(1000));
    expect(dataset.manifest?.splits[0]?.classCounts).toEqual([4, 3, 3]);
    expect(dataset.manifest?.splits[0]?.shards.map(({ samples }) => samples)).toEqual([4, 4, 2]);
  });

  it("reads many samples at once without mixing up shards that are opened and closed meanwhile", async () => {
    const root = await write(format, 40);
    await using dataset = await openDataset(root, { checksums: "always" });
    const order = Array.from({ length: 120 }, (_, i) => (i * 17) % 40);
    const samples = await Promise.all(order.map((n) => dataset.split("train").read(n)));
    expect(samples).toEqual(order.map(sampleOf));
  });

  it("can be moved", async () => {
    const root = await write(format, 3);
    renameSync(root, `${root}-moved`);
    await using dataset = await openDataset(`${root}-moved`);
    expect(await dataset.split("train").read(2)).toEqual(sampleOf(2));
  });

  it("names the sample, the field and both checksums of a byte that flipped", async () => {
    const root = await write(format, 4);
    const path = join(root, readManifestShard(root));
    const bytes = readFileSync(path);
    const at = bytes.indexOf(sampleBytes(sampleOf(2).get("image") ?? ""));
    expect(at).toBeGreaterThan(0);
    bytes[at + 5] = (bytes[at + 5] as number) ^ 4;
    writeFileSync(path, bytes);
    await using dataset = await openDataset(root);
    expect(await dataset.split("train").read(1)).toEqual(sampleOf(1));
    await expect(dataset.split("train").read(2)).rejects.toMatchObject({
      code: "CORRUPT_SHARD",
      detail: {
        file: path,
        sample: 2,
        field: "image",
        expected: expect.stringMatching(/^0x/u) as string,
        found: expect.stringMatching(/^0x/u) as string,
      },
    });
    await using trusting = await openDataset(root, { checksums: "off" });
    expect((await trusting.split("train").read(2)).get("image")).not.toEqual(sampleOf(2).get("image"));
  });

  it("with a truncated, swapped or missing shard ends in a typed error", async () => {
    const root = await write(format, 8);
    const [first, second] = [0, 1].map((number) => join(root, readManifestShard(root, number))) as [string, string];
    truncateSync(first, readFileSync(first).length - 1);
    await using truncated = await openDataset(root);
    await expect(truncated.split("train").read(0)).rejects.toThrow(
      /has another size than it should; expected \d+ bytes, found \d+/u,
    );
    copyFileSync(second, first);
    await using swapped = await openDataset(root);
    await expect(swapped.split("train").read(0)).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
    rmSync(first);
    await using missing = await openDataset(root);
    await expect(missing.split("train").read(0)).rejects.toMatchObject({ code: "FILE" });
  });

  it("whose shard is a link out of the folder is refused", async () => {
    const root = await write(format, 2);
    const shard = join(root, readManifestShard(root));
    const outside = join(tempDir(), "elsewhere");
    renameSync(shard, outside);
    symlinkSync(outside, shard);
    await using dataset = await openDataset(root);
    await expect(dataset.split("train").read(0)).rejects.toThrow(/link that leads out/u);
  });

  it("opens by a single shard file too, without checksums", async () => {
    const root = await write(format, 3);
    const path = join(root, readManifestShard(root));
    await using dataset = await openDataset(path);
    expect(dataset.manifest).toBeUndefined();
    expect(await dataset.split("train").read(1)).toEqual(sampleOf(1));
    const shard = await openShard(dataset.split("train").shards[0] as never);
    expect(shard.checksums("image")).toBeUndefined();
    shard.close();
  });

  it("that was aborted leaves no shard behind, and one that exists is not touched", async () => {
    const root = join(tempDir(), "shards");
    const writer = await createDataset(root, { schema, format, samplesPerShard: 1 });
    await writer.write(sampleOf(0));
    await writer.abort();
    await expect(openDataset(root)).rejects.toMatchObject({ code: "MANIFEST" });
    await expect(writer.write(sampleOf(1))).rejects.toMatchObject({ code: "CLOSED" });
    const finished = await write(format, 1);
    await expect(createDataset(finished, { schema, format })).rejects.toThrow(
      /already is a dataset; choose another folder/u,
    );
  });
});

describe("openDataset", () => {
  it.each([-1, 4, 0.5, Number.NaN])("refuses the position %d", async (position) => {
    const root = await write("hdf5", 4);
    await using dataset = await openDataset(root);
    await expect(dataset.split("train").read(position)).rejects.toMatchObject({
      code: "OPTION",
      detail: { expected: "0 to 3" },
    });
  });

  it("says which splits there are", async () => {
    await using dataset = await openDataset(await write("hdf5", 1));
    expect(() => dataset.split("test")).toThrow(/no such split; expected train \| val, found test/u);
  });

  it("reads nothing after it was closed, also where the shard was just being opened", async () => {
    const dataset = await openDataset(await write("arrow", 4));
    const opening = dataset.split("train").read(0);
    dataset.close();
    dataset.close();
    await expect(opening).rejects.toMatchObject({ code: "CLOSED" });
    await expect(dataset.split("train").read(0)).rejects.toMatchObject({ code: "CLOSED" });
    expect(dataset.manifest?.splits).toHaveLength(2);
  });

  it("takes no memory for the samples that a manifest only claims", async () => {
    const root = await write("arrow", 4);
    const { fingerprint: _, ...content } = await readManifest(root);
    const claimed = content.splits.map((split) => ({
      ...split,
      samples: 2 ** 50,
      shards: split.shards.map((shard) => ({ ...shard, samples: 2 ** 50 })),
    }));
    await writeManifest(root, { ...content, splits: claimed });
    await using dataset = await openDataset(root);
    expect(dataset.split("train").length).toBe(2 ** 50);
    await expect(dataset.split("train").read(2 ** 49)).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
  });

  it("refuses an unknown policy of checksums", async () => {
    const root = await write("arrow", 1);
    const checksums = "sometimes" as "first";
    await expect(openDataset(root, { checksums })).rejects.toMatchObject({
      code: "OPTION",
      detail: { option: "checksums", expected: "first | always | off", found: "sometimes" },
    });
  });

  it("refuses a sidecar that is a link out of the folder", async () => {
    const root = await write("arrow", 1);
    const sidecar = indexPathOf(join(root, readManifestShard(root)));
    const outside = join(tempDir(), "elsewhere");
    renameSync(sidecar, outside);
    symlinkSync(outside, sidecar);
    await using dataset = await openDataset(root);
    await expect(dataset.split("train").read(0)).rejects.toThrow(/shard-00000\.index, which is a link that leads out/u);
  });

  it("of nothing, of an empty folder and of a file of no format is a typed error", async () => {
    const dir = tempDir();
    await expect(openDataset(join(dir, "nothing"))).rejects.toMatchObject({ code: "FILE" });
    await expect(openDataset(dir)).rejects.toMatchObject({ code: "MANIFEST" });
    writeFileSync(join(dir, "x.txt"), "x");
    await expect(openDataset(join(dir, "x.txt"))).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

describe("createDataset", () => {
  it("refuses impossible options and labels that are no class", async () => {
    const out = join(tempDir(), "out");
    await expect(createDataset(out, { schema, samplesPerShard: 0 })).rejects.toMatchObject({
      code: "OPTION",
      detail: { option: "samplesPerShard" },
    });
    const writer = await createDataset(out, { schema, classes: ["only"] });
    await expect(writer.write(sampleOf(1))).rejects.toThrow(
      /label of a sample is not a class; expected 0 to 0, found 1/u,
    );
    await writer.abort();
  });

  it("refuses splits that are no folder of the dataset, and writes nothing there", async () => {
    const out = join(tempDir(), "out");
    const writer = await createDataset(out, { schema });
    for (const split of ["../evil", "..", "", "a/b", "a\\b"])
      await expect(writer.write(sampleOf(0), split)).rejects.toMatchObject({ code: "OPTION" });
    expect(readdirSync(join(out, ".."))).toEqual(["out"]);
    expect(readdirSync(out)).toEqual([]);
  });

  it("can be aborted after its manifest was refused, and leaves no file", async () => {
    const out = join(tempDir(), "out");
    const writer = await createDataset(out, {
      schema,
      classes: ["a", 7 as unknown as string, "c"],
      samplesPerShard: 1,
    });
    for (const n of [0, 1]) await writer.write(sampleOf(n));
    await expect(writer.finish()).rejects.toMatchObject({ code: "MANIFEST" });
    expect(readdirSync(join(out, "train"))).toHaveLength(4);
    await writer.abort();
    await writer.abort();
    expect(readdirSync(out)).toEqual(["train"]);
    expect(readdirSync(join(out, "train"))).toEqual([]);
  });
});

function readManifestShard(root: string, number = 0): string {
  const manifest = JSON.parse(readFileSync(join(root, "dataset.json"), "utf8")) as {
    splits: { shards: { path: string }[] }[];
  };
  return manifest.splits[0]?.shards[number]?.path ?? "";
}
