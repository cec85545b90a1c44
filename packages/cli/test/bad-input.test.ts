import { offsetOf, openFormat, type Extents } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { millrace, type Outcome } from "./captured-io.js";

/** Two classes of three images of 12 x 10 pixels. */
async function makePhotos(): Promise<string> {
  const photos = join(tempDir(), "photos");
  for (const name of ["cat", "dog"]) {
    mkdirSync(join(photos, name), { recursive: true });
    for (let n = 0; n < 3; n++) {
      const background = { r: 60 * n, g: 10, b: name === "cat" ? 0 : 255 };
      const image = sharp({ create: { width: 12, height: 10, channels: 3, background } });
      await image.jpeg().toFile(join(photos, name, `${n}.jpg`));
    }
  }
  return photos;
}

async function makeShards(): Promise<string> {
  const shards = join(tempDir(), "shards");
  expect((await millrace("convert", await makePhotos(), shards, "--size", "16", "--num-workers", "0", "-q")).code).toBe(
    0,
  );
  return shards;
}

/** One message, the way out in it, and the exit code. */
function expectRefusal({ code, stdout, stderr }: Outcome, exitCode: number, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stdout).toBe("");
  expect(code).toBe(exitCode);
}

/** Every file below `dir` with its content. */
function contentOf(dir: string): Map<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => [
      join(entry.parentPath, entry.name),
      readFileSync(join(entry.parentPath, entry.name), "latin1"),
    ]),
  );
}

describe("Bad input ends in one clear message with the way out and the right exit code", () => {
  it("Empty folder", async () => {
    const out = join(tempDir(), "out");
    expectRefusal(await millrace("convert", tempDir(), out, "-q"), 3, /no image|empty|nothing/u);
    expect(existsSync(join(out, "dataset.json"))).toBe(false);
  });

  it("No classes", async () => {
    const photos = join(await makePhotos(), "cat");
    expectRefusal(await millrace("convert", photos, join(tempDir(), "out"), "-q"), 3, /class/u);
  });

  it("Unreadable image, truncated image and a text file named .jpg are rejected by name, the others are converted", async () => {
    const photos = await makePhotos();
    const whole = readFileSync(join(photos, "cat", "0.jpg"));
    writeFileSync(join(photos, "cat", "0.jpg"), whole.subarray(0, whole.length - 8));
    writeFileSync(join(photos, "cat", "1.jpg"), "");
    writeFileSync(join(photos, "dog", "text.jpg"), "hello");
    const out = join(tempDir(), "out");
    const { code, stdout } = await millrace("convert", photos, out, "--size", "16", "--json");
    expect(code).toBe(0);
    const { samples, rejects } = JSON.parse(stdout) as { samples: number; rejects: { key: string; reason: string }[] };
    expect(samples).toBe(4);
    expect(new Map(rejects.map(({ key, reason }) => [key, reason]))).toEqual(
      new Map([
        ["cat/0.jpg", "truncated"],
        ["cat/1.jpg", "empty"],
        ["dog/text.jpg", "unsupported"],
      ]),
    );
    expect(readFileSync(join(out, "rejects.jsonl"), "utf8").trim().split("\n")).toHaveLength(3);
    const strict = await millrace(
      "convert",
      photos,
      join(tempDir(), "out"),
      "--size",
      "16",
      "--on-reject",
      "fail",
      "-q",
    );
    expectRefusal(strict, 3, /(cat|dog)\/\w+\.jpg/u);
  });

  it("Existing output", async () => {
    const shards = await makeShards();
    const before = contentOf(shards);
    expectRefusal(await millrace("convert", await makePhotos(), shards, "-q"), 2, /finished dataset.*--overwrite/u);
    expect(contentOf(shards)).toEqual(before);
    const folder = tempDir();
    writeFileSync(join(folder, "thesis.txt"), "the only copy");
    const refused = await millrace("convert", await makePhotos(), folder, "--overwrite", "-q");
    expect(refused.code).toBe(2);
    expect(contentOf(folder).size).toBe(1);
  });

  it("Manifest of an unknown version", async () => {
    const shards = await makeShards();
    const manifest = join(shards, "dataset.json");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"manifestVersion": 1', '"manifestVersion": 7'));
    for (const command of ["inspect", "head", "verify", "train", "profile"]) {
      expectRefusal(
        await millrace(command, shards, ...(command === "inspect" || command === "head" ? [] : ["-q"])),
        3,
        /unknown manifestVersion; expected 1, found 7; upgrade millrace/u,
      );
    }
  });

  it("A flipped byte in a shard", async () => {
    const shards = await makeShards();
    const shard = join(shards, "train", "shard-00000.h5");
    const reader = await (await openFormat("hdf5")).openReader(shard);
    const middle = offsetOf(reader.extents("image") as Extents, 1) + 100;
    reader.close();
    const bytes = readFileSync(shard);
    bytes[middle] = (bytes[middle] as number) ^ 1;
    writeFileSync(shard, bytes);
    const verified = await millrace("verify", shards, "-q");
    expect(verified.code).toBe(3);
    expect(verified.stdout).toMatch(/sample +.*shard-00000\.h5 +1 +image +\d+/u);
    const trained = await millrace(
      "train",
      shards,
      "--batch-size",
      "2",
      "--backend",
      "wasm",
      "--num-workers",
      "0",
      "--out",
      join(tempDir(), "run"),
      "-q",
    );
    expectRefusal(trained, 3, /shard-00000\.h5, sample \d.*crc32c.*expected 0x[0-9a-f]{8}, found 0x[0-9a-f]{8}/u);
  });

  it("Unknown flag", async () => {
    for (const command of ["convert", "inspect", "head", "verify", "train", "profile"]) {
      expectRefusal(
        await millrace(command, ...(command === "convert" ? ["photos"] : []), "shards", "--colour"),
        2,
        /Unknown argument: colour; see millrace --help/u,
      );
    }
  });

  it.each([
    ["batch 0", ["train", "--batch-size", "0"], /option batchSize.*expected an integer from 1/u],
    ["NaN", ["profile", "--batch-size", "many"], /option batchSize.*found NaN/u],
    ["no step", ["profile", "--steps", "0", "--backend", "wasm"], /option steps.*expected a whole number from 1/u],
    ["half an epoch", ["train", "--epochs", "0.5", "--backend", "wasm"], /option epochs/u],
    ["an unknown model", ["train", "--model", "gpt", "--backend", "wasm"], /option model.*resnet18, found gpt/u],
    [
      "a loss with the other's flag",
      ["train", "--focal-gamma", "2", "--backend", "wasm"],
      /option focalGamma.*focal$/mu,
    ],
    [
      "a metric of no split",
      ["train", "--metric", "validationLoss", "--backend", "wasm"],
      /option metric.*validation/u,
    ],
    ["an unknown backend", ["train", "--backend", "abacus"], /option backend/u],
    ["a model too large for its images", ["train", "--size", "8", "--backend", "wasm"], /option inputShape/u],
  ])("Impossible option: %s", async (_, [command = "", ...flags], message) => {
    const out = join(tempDir(), "run");
    const args = command === "train" ? ["--out", out] : [];
    expectRefusal(
      await millrace(command, await makeShards(), "--num-workers", "0", "-q", ...args, ...flags),
      2,
      message,
    );
    expect(existsSync(join(out, "report.json"))).toBe(false);
  });

  it("Impossible option: more val than samples, a size of 0, an unknown format, half a worker", async () => {
    const photos = await makePhotos();
    const out = join(tempDir(), "out");
    for (const flags of [
      ["--val-fraction", "1"],
      ["--val-fraction", "0.01"],
      ["--size", "0"],
      ["--format", "zip"],
      ["--num-workers", "1.5"],
    ]) {
      expectRefusal(
        await millrace("convert", photos, out, ...flags, "-q"),
        2,
        /option \w+: .*(expected|fix|take|choose)/u,
      );
    }
    expect(existsSync(out)).toBe(false);
  });
});
