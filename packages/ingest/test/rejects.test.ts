import { openDataset } from "@millrace/formats";
import { convert, rejectSchema, type ConvertOptions, type Reject } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { imageBytes, writeClasses, writeFile } from "./image-files.js";

function logOf(out: string): Reject[] {
  const lines = readFileSync(join(out, "rejects.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => rejectSchema.parse(JSON.parse(line)));
}

/** 12 good images of two classes, and options for them. */
async function photos(options: Partial<ConvertOptions> = {}): Promise<ConvertOptions> {
  const source = join(tempDir(), "photos");
  await writeClasses(source, ["cat", "dog"], 6);
  return {
    source,
    out: join(tempDir(), "shards"),
    format: "arrow",
    size: 4,
    samplesPerShard: 5,
    numWorkers: 0,
    ...options,
  };
}

/** The keys of each shard of train. */
async function keysOf(out: string): Promise<unknown[][]> {
  const dataset = await openDataset(out);
  const train = dataset.split("train");
  const keys: unknown[][] = train.shards.map(() => []);
  for (let i = 0, shard = 0, end = 0; i < train.length; i++) {
    while (i >= end + (train.shards[shard]?.samples ?? 0)) end += train.shards[shard++]?.samples ?? 0;
    keys[shard]?.push((await train.read(i)).get("key"));
  }
  dataset.close();
  return keys;
}

describe("images that cannot be used", () => {
  it("are left out and logged with key, split, reason and message: unreadable, truncated, a text file named .jpg", async () => {
    const options = await photos();
    const whole = await imageBytes({ width: 100, height: 80, kind: "jpeg" });
    const cutPng = await imageBytes({ width: 100, height: 80 });
    const bad: Record<string, Buffer | string> = {
      "cat/cut.jpg": whole.subarray(0, whole.length / 2),
      "cat/cut.png": cutPng.subarray(0, cutPng.length / 2),
      "cat/empty.png": "",
      "dog/text.jpg": "this is not an image",
      "dog/x\n\u001b[31m.png": "names too",
    };
    for (const [name, bytes] of Object.entries(bad)) writeFile(join(options.source, name), bytes);
    const report = await convert(options);
    expect(report.samples).toBe(12);
    expect(report.manifest.provenance.rejected).toBe(5);
    const log = logOf(options.out);
    expect(report.rejects).toEqual(log);
    expect(Object.fromEntries(log.map(({ key, reason }) => [key, reason]))).toEqual({
      "cat/cut.jpg": "truncated",
      "cat/cut.png": "truncated",
      "cat/empty.png": "empty",
      "dog/text.jpg": "unsupported",
      "dog/x\n\u001b[31m.png": "unsupported",
    });
    expect(log.every(({ split, message }) => split === "train" && message.length > 5)).toBe(true);
  });

  it("are found in mode encoded too, where the bytes are kept as they are", async () => {
    const options = await photos({ size: undefined });
    const png = await imageBytes({ width: 100, height: 80 });
    const middle = Math.floor(png.length / 2);
    png.fill(0, middle, middle + 50);
    writeFile(join(options.source, "cat/damaged.png"), png);
    expect((await convert(options)).rejects).toMatchObject([
      { key: "cat/damaged.png", reason: expect.stringMatching(/^(corrupt|truncated)$/u) as string },
    ]);
  });

  it("move no other sample: every shard holds what it would have held", async () => {
    const good = await photos();
    await convert(good);
    const before = await keysOf(good.out);
    writeFile(join(good.source, "cat/3.png"), "spoilt");
    const spoilt = { ...good, out: join(tempDir(), "shards") };
    await convert(spoilt);
    expect(await keysOf(spoilt.out)).toEqual(before.map((keys) => keys.filter((key) => key !== "cat/3.png")));
  });

  it("leave no shard where a whole shard is bad, and no log where none is", async () => {
    const options = await photos({ samplesPerShard: 1 });
    writeFile(join(options.source, "cat/0.png"), "spoilt");
    const { manifest } = await convert(options);
    const shards = manifest.splits[0]?.shards ?? [];
    expect(shards.map(({ samples }) => samples)).toEqual(Array.from({ length: 11 }, () => 1));
    for (const { path } of shards) expect(existsSync(join(options.out, path))).toBe(true);
    const good = await photos();
    await convert(good);
    expect(existsSync(join(good.out, "rejects.jsonl"))).toBe(false);
  });
});

describe("the policy for images that cannot be used", () => {
  it("fail stops at the first and names it", async () => {
    const options = await photos({ onReject: "fail" });
    writeFile(join(options.source, "dog/text.jpg"), "x");
    for (const numWorkers of [0, 2]) {
      await expect(convert({ ...options, numWorkers })).rejects.toMatchObject({
        code: "IMAGE",
        exitCode: 3,
        message: expect.stringMatching(/key dog\/text.jpg: .*replace or remove the image/u) as string,
      });
    }
    expect(existsSync(join(options.out, "dataset.json"))).toBe(false);
    writeFile(join(options.source, "dog/text.jpg"), await imageBytes());
    expect((await convert(options)).samples).toBe(13);
  });

  it("maxRejects and maxRejectFraction bound how many there may be", async () => {
    const options = await photos();
    for (const i of [1, 2, 3]) writeFile(join(options.source, `dog/text${i}.jpg`), "x");
    const fail = async (limit: Partial<ConvertOptions>): Promise<string> =>
      await convert({ ...options, ...limit }).then(
        () => "no error",
        (error: Error) => error.message,
      );
    expect(await fail({ maxRejects: 2 })).toMatch(
      /too many images.*at most 2 \(maxRejects\), found 3.*raise maxRejects/u,
    );
    expect(await fail({ maxRejects: 0 })).toMatch(/at most 0 \(maxRejects\), found [1-3];/u);
    expect(await fail({ maxRejectFraction: 0.19 })).toMatch(/at most 0.19 of 15 \(maxRejectFraction\), found 3/u);
    expect((await convert({ ...options, maxRejects: 3, maxRejectFraction: 0.2 })).rejects).toHaveLength(3);
  });

  it("lets the same command finish once the images are mended", async () => {
    const options = await photos({ maxRejects: 0 });
    const pristine = { ...options, out: join(tempDir(), "shards") };
    writeFile(join(options.source, "cat/3.png"), "spoilt");
    await expect(convert(options)).rejects.toThrow(/too many images/u);
    writeFile(join(options.source, "cat/3.png"), await imageBytes({ seed: 3 }));
    expect((await convert(options)).manifest).toEqual((await convert(pristine)).manifest);
  });

  it("never lets all images of the source, or of one split, be rejected", async () => {
    const source = tempDir();
    for (const i of [1, 2, 3]) writeFile(join(source, `train/a/${i}.png`), "x");
    for (const i of [1, 2]) writeFile(join(source, `val/a/${i}.png`), await imageBytes());
    const options = { source, out: join(tempDir(), "shards"), size: 4, format: "arrow", numWorkers: 0 } as const;
    await expect(convert(options)).rejects.toMatchObject({
      code: "SOURCE",
      message: expect.stringMatching(
        /all 3 images of the split train were rejected; found train\/a\/\d.png: /u,
      ) as string,
    });
    expect(existsSync(join(options.out, "dataset.json"))).toBe(false);
  });
});
