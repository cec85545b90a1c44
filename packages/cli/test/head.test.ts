import { createDataset, type Sample, type SampleValue, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { millrace } from "./captured-io.js";

const PHOTOS = new URL("../../../fixtures/webdataset/photos.tar", import.meta.url).pathname;

const schema: Schema = {
  fields: [
    { name: "pixels", kind: "tensor", dtype: "uint8", shape: [2, 2] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "half", kind: "tensor", dtype: "float16", shape: [4] },
    { name: "id", kind: "tensor", dtype: "uint64", shape: [] },
    { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 },
    { name: "photo", kind: "bytes", encoding: "jpeg" },
    { name: "key", kind: "string" },
  ],
};

/** Seven samples of train and one of val. */
async function makeShards(): Promise<string> {
  const shards = join(tempDir(), "shards");
  const photo = await sharp({ create: { width: 12, height: 7, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();
  const sample = (n: number): Sample =>
    new Map<string, SampleValue>([
      ["pixels", Uint8Array.of(n, 0, 255, 1)],
      ["label", Int32Array.of(n % 2)],
      ["half", Uint16Array.of(0x3c00, 0xc000, 0x7e00, 0x0001)],
      ["id", BigUint64Array.of(2n ** 64n - 1n - BigInt(n))],
      ["boxes", n === 0 ? { data: new Float32Array(0), shape: [0, 4] } : { data: new Float32Array(4), shape: [1, 4] }],
      ["photo", n === 1 ? Uint8Array.of(1, 2, 3) : photo],
      ["key", n === 0 ? "cat/\u001b[31m.jpg" : "x".repeat(100)],
    ]);
  const writer = await createDataset(shards, { schema, format: "arrow", classes: ["cat", "dog"] });
  for (let n = 0; n < 7; n++) await writer.write(sample(n));
  await writer.write(sample(8), "val");
  await writer.finish();
  return shards;
}

/** Three archives of others in a folder `files`. */
function makeFiles(): string {
  const files = join(tempDir(), "files");
  mkdirSync(files);
  for (const n of [0, 1, 2]) copyFileSync(PHOTOS, join(files, `shard-00${n}.tar`));
  return files;
}

interface Printed {
  readonly split: string;
  readonly length: number;
  readonly samples: readonly { index: number; fields: readonly { name: string }[] }[];
}

describe("millrace head", () => {
  it("shows the first five samples: shapes and ranges, sizes of images, texts, labels with their classes", async () => {
    const { code, stdout } = await millrace("head", await makeShards());
    expect(code).toBe(0);
    const [title, , header, first, second, ...rest] = stdout.trimEnd().split("\n");
    expect(title).toMatch(/shards: 5 of 7 samples of train$/u);
    expect(header).toMatch(/sample +pixels +label +half +id +boxes +photo +key/u);
    expect(first).toMatch(/^ *0 +uint8 \[2, 2\], 0 to 255, mean 64 +0 \(cat\) /u);
    expect(first).toMatch(/float16 \[4\], -2 to 1, mean -0\.33333 +18446744073709551615 +float32 \[0, 4\] /u);
    expect(first).toMatch(/jpeg 12 x 7, [\d.]+ K?i?B +cat\/\\x1b\[31m\.jpg$/u);
    expect(second).toMatch(/1 \(dog\) .* 3 B +x{60}\.\.\.$/u);
    expect(rest).toHaveLength(3);
  });

  it("shows as many samples of another split as are asked for and there, as JSON too", async () => {
    const { stdout } = await millrace("head", await makeShards(), "--split", "val", "-n", "3", "--json");
    const { split, length, samples } = JSON.parse(stdout) as Printed;
    expect({ split, length, samples: samples.length }).toEqual({ split: "val", length: 1, samples: 1 });
    expect(samples[0]?.fields).toEqual([
      { name: "pixels", kind: "array", dtype: "uint8", shape: [2, 2], min: 0, max: 255, mean: 66 },
      { name: "label", kind: "scalar", dtype: "int32", value: 0, class: "cat" },
      { name: "half", kind: "array", dtype: "float16", shape: [4], min: -2, max: 1, mean: (2 ** -24 - 1) / 3 },
      { name: "id", kind: "scalar", dtype: "uint64", value: "18446744073709551607" },
      { name: "boxes", kind: "array", dtype: "float32", shape: [1, 4], min: 0, max: 0, mean: 0 },
      { name: "photo", kind: "bytes", bytes: expect.any(Number) as number, encoding: "jpeg", width: 12, height: 7 },
      { name: "key", kind: "text", text: "x".repeat(100) },
    ]);
  });

  it("refuses a split that there is not, and no samples, in one line", async () => {
    const shards = await makeShards();
    for (const flags of [
      ["--split", "test"],
      ["-n", "0"],
      ["--samples", "1.5"],
    ]) {
      const { code, stdout, stderr } = await millrace("head", shards, ...flags);
      expect(code).toBe(2);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/option (split|samples): .*expected .*found [^\n]*\n$/u);
    }
  });
});

describe("files without a manifest", () => {
  it.each([
    ["a range", ["shard-{000..002}.tar"]],
    ["a pattern", ["*.tar"]],
    ["several", ["shard-000.tar", "shard-001.tar", "shard-002.tar"]],
  ])("are shown by inspect, head and verify as one split: %s", async (_, patterns) => {
    const files = makeFiles();
    const names = patterns.map((pattern) => join(files, pattern));
    const inspected = await millrace("inspect", ...names, "--json");
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      format: "webdataset",
      path: files,
      fingerprint: "",
      splits: [{ name: "train", shards: 3 }],
    });
    expect((await millrace("head", ...names)).stdout).toMatch(/files: 5 of \d+ samples of train\n\nsample.*image/u);
    expect((await millrace("verify", ...names)).stdout).toMatch(/samples in 3 shards.*without a manifest nothing/u);
  });

  it("of a range must be there", async () => {
    const { code, stderr } = await millrace("head", join(makeFiles(), "shard-{000..009}.tar"));
    expect(code).toBe(3);
    expect(stderr).toMatch(/shard-003\.tar: cannot open the dataset: no such file/u);
  });

  it("tell how each field is read and how large it is", async () => {
    const { stdout } = await millrace("inspect", PHOTOS);
    expect(stdout).toMatch(/image +encoded \w+ +pread \(table: rows by a table of offsets\) +\d+, at most \d+/u);
    expect(stdout).toMatch(/label +\w+ \[\] +library \(none: encoded in the file\)/u);
    expect(stdout).toMatch(/train +\d+ +1 +[\d.]+ KiB/u);
  });
});
