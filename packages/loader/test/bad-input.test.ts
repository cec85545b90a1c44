import {
  createDataset,
  indexPathOf,
  isMillraceError,
  readManifest,
  readShardIndex,
  writeManifest,
  writeShardIndex,
  type ShardEntry,
  type SplitEntry,
} from "@millrace/formats";
import { openLoader, randomResizedCrop, resize, sequential, shuffle, type LoaderOptions } from "@millrace/loader";
import { count, skipReason, tempDir } from "@millrace/testkit";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { makeSeekable } from "./make-seekable.js";
import { transformOf } from "./make-transform.js";
import { runChild } from "./run-child.js";

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url));
const plain = fixture("jpeg/444.jpg");

/** A JPEG with another frame header: FF, marker, length, precision, height, width. */
function reframed(change: (frame: Buffer) => void): Buffer {
  const copy = Buffer.from(plain);
  change(copy.subarray(copy.indexOf(Buffer.from([0xff, 0xc0]))));
  return copy;
}

const halfOfScan = plain.subarray(0, (plain.indexOf(Buffer.from([0xff, 0xda])) + plain.length) >> 1);

/** JPEGs that no decoder takes, and the reason that the error gives. */
const HOPELESS: readonly (readonly [string, Buffer, readonly string[]])[] = [
  ["of 12 bits", reframed((frame) => frame.writeUInt8(12, 4)), ["unsupported", "corrupt", "truncated"]],
  ["without losses", reframed((frame) => frame.writeUInt8(0xc3, 1)), ["unsupported", "corrupt", "truncated"]],
  ["cut short", halfOfScan, ["truncated"]],
  ["cut short and closed", Buffer.concat([halfOfScan, Buffer.from([0xff, 0xd9])]), ["truncated"]],
  ["of 65,535 x 65,535 by its header", reframed((frame) => frame.fill(0xff, 5, 9)), ["too-large"]],
  ["of no bytes", Buffer.alloc(0), ["empty"]],
];

/** A dataset of JPEGs with the keys k/0, k/1, … */
async function jpegs(images: readonly Uint8Array[]): Promise<string> {
  const path = join(tempDir(), "jpegs");
  const fields = [
    { name: "image", kind: "bytes", encoding: "jpeg" },
    { name: "key", kind: "string" },
  ] as const;
  const writer = await createDataset(path, { schema: { fields }, format: "arrow" });
  for (const [number, image] of images.entries())
    await writer.write(
      new Map<string, Uint8Array | string>([
        ["image", Uint8Array.from(image)],
        ["key", `k/${number}`],
      ]),
    );
  await writer.finish();
  return path;
}

/** Changes the index of a shard's segments, and the manifest so that it believes it. */
async function lie(path: string, change: (columns: Map<string, Uint8Array | Uint32Array>) => void): Promise<void> {
  const manifest = await readManifest(path);
  const split = manifest.splits[0] as SplitEntry;
  const shard = split.shards[0] as ShardEntry;
  const sidecar = indexPathOf(join(path, shard.path));
  const { samples, columns } = await readShardIndex(sidecar);
  const changed = new Map([...columns].map(([name, column]) => [name, column.slice() as Uint8Array | Uint32Array]));
  change(changed);
  const index = await writeShardIndex(sidecar, { samples, columns: changed });
  await writeManifest(path, { ...manifest, splits: [{ ...split, shards: [{ ...shard, index }] }] });
}

describe("a JPEG that the fast decoder rejects", () => {
  it("is decoded by sharp, CMYK and arithmetic ones, with sharp's pixels", async () => {
    const path = await jpegs([plain, fixture("jpeg/cmyk.jpg"), fixture("jpeg-arithmetic/arithmetic.jpg")]);
    const options: LoaderOptions = { batchSize: 1, order: sequential(), transforms: [resize(16)] };
    await using fast = await openLoader(path, { ...options, numWorkers: 1 });
    await using slow = await openLoader(path, { ...options, numWorkers: 0, decoder: "sharp" });
    expect((await linesOf(fast)).slice(1)).toEqual((await linesOf(slow)).slice(1));
  });

  it.each(HOPELESS)("%s gives an ImageError with the sample's key, and no pixels", async (_, image, reasons) => {
    const path = await jpegs([plain, image, plain]);
    const options: LoaderOptions = { batchSize: 1, order: sequential(), transforms: [randomResizedCrop(16)] };
    for (const decoder of ["auto", "wasm", "sharp"].slice(0, count(1, 3)) as ("auto" | "wasm" | "sharp")[]) {
      await using loader = await openLoader(path, { ...options, numWorkers: count(0, 1), decoder });
      const batches: number[] = [];
      const run = async (): Promise<void> => {
        for await (const batch of loader) batches.push(...batch.indices);
      };
      const error: unknown = await run().catch((caught: unknown) => caught);
      expect([batches, isMillraceError(error, "IMAGE") && error.detail]).toEqual([
        [0],
        expect.objectContaining({ key: "k/1", sample: 1, reason: expect.toBeOneOf([...reasons]) as string }),
      ]);
      await using skips = await openLoader(path, { ...options, numWorkers: 0, decoder, onBadSample: "skip" });
      expect(await linesOf(skips)).toHaveLength(2);
      expect(skips.skipped.map(({ sample }) => sample)).toEqual([1]);
    }
  });
});

/** A batch's samples and hash, without its place. */
const contentOf = (line: string): string => line.slice(line.indexOf("["));

describe("an index of segments that lies", () => {
  it("is a CorruptShardError that names the sample, or changes no pixel", async () => {
    const order = shuffle({ seed: 4 });
    const options: LoaderOptions = { batchSize: 1, numWorkers: 0, checksums: "off", order };
    const transforms = [randomResizedCrop(24)];
    const honest = await makeSeekable(6);
    await using whole = await openLoader(honest, { ...options, transforms });
    const expected = await linesOf(whole);
    const { columns } = await readShardIndex(join(honest, "train/shard-00000.index"));
    const [name] = [...columns.keys()].filter((one) => columns.get(one) instanceof Uint8Array);
    const column = columns.get(name as string) as Uint8Array;
    let refused = 0;
    for (let at = 1; at < column.length; at += Math.ceil(column.length / count(8, 60))) {
      const path = join(tempDir(), "copy");
      cpSync(honest, path, { recursive: true });
      await lie(path, (all) => {
        const bytes = all.get(name as string) as Uint8Array;
        bytes[at] = (bytes[at] as number) ^ 0x40;
      });
      await using loader = await openLoader(path, { ...options, transforms, onBadSample: "skip" });
      const lines = await linesOf(loader);
      for (const { error } of loader.skipped) {
        expect(isMillraceError(error, "CORRUPT_SHARD")).toBe(true);
        refused++;
      }
      expect(expected.map(contentOf)).toEqual(expect.arrayContaining(lines.map(contentOf)));
      expect(lines).toHaveLength(6 - loader.skipped.length);
    }
    expect(refused).toBeGreaterThan(0);
  });
});

const canLimit = process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;
const noLimit = skipReason(canLimit, "prlimit", "it is part of util-linux");

describe("shared memory that cannot be had", () => {
  it.skipIf(noLimit !== undefined)("is an UnsupportedError with the way out, and the process exits", async () => {
    const { path } = await makeDataset({ samples: 4 });
    const program = `
      import { openLoader } from "@millrace/loader";
      import { execFileSync } from "node:child_process";
      import { cpSync, readFileSync } from "node:fs";
      const pages = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[0]);
      execFileSync("prlimit", ["--pid", String(process.pid), "--as=" + (pages * 4096 + 2 ** 30)]);
      await openLoader(process.argv[1], { batchSize: 4, numWorkers: 2 }).catch((error) => console.log(error.message));`;
    const end = await runChild(program, path);
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(end.stdout).toMatch(
      /^the system does not give \d+ bytes of shared memory; lower batchSize or prefetchDepth/u,
    );
  });

  it("is as long as 4 GiB: slots and images beyond 2 GiB are as any other, until there is no room for one", async () => {
    const { path } = await makeDataset({ samples: 1, mode: "jpeg", side: 900 });
    const sides: [number, number] = [2048, 2730];
    const options: LoaderOptions = { transforms: [resize(sides)], fields: ["image"] };
    await using large = await openLoader(path, { ...options, batchSize: 64, numWorkers: 1, prefetchDepth: 2 });
    await using small = await openLoader(path, { ...options, batchSize: 1, numWorkers: 0 });
    // Each epoch is one batch in the next of three slots, of which the last lies beyond 2 GiB.
    for (let epoch = 0; epoch < 3; epoch++) expect(await linesOf(large)).toEqual(await linesOf(small));
    await using full = await openLoader(path, { ...options, batchSize: 256, numWorkers: 0 });
    await expect(linesOf(full)).rejects.toMatchObject({ code: "UNSUPPORTED", detail: { key: "k/0" } });
  });
});

/** What may be wrong with a sample, and the code of the error that follows. */
const HARMS = (
  [
    ["SAMPLE", "throw new Error('no');"],
    ["WORKER", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"],
    ["WORKER", "process.exit(3);"],
    ["SAMPLE", "return new Uint8Array(3);"],
  ] as const
).slice(0, count(2, 4));

/** Runs loaders of two workers over datasets, all of which fail, in a process that closes none of them. */
const FAILING = `
  import { openLoader, resize, userTransform } from "@millrace/loader";
  for (const { path, module } of JSON.parse(process.argv[1])) {
    const transforms = [module === undefined ? resize(8) : userTransform({ module })];
    // On a busy machine, a library of images takes long to load; a transform that hangs need not be waited for so long.
    const workerTimeoutMs = module === undefined ? undefined : 1000;
    const loader = await openLoader(path, { batchSize: 4, numWorkers: 2, transforms, workerTimeoutMs });
    try {
      for await (const batch of loader) continue;
      console.log("no error");
    } catch (error) {
      console.log(error.code);
    }
  }`;

describe("the process exits by itself, though nobody closes the loaders,", () => {
  it("whatever a transform does", async () => {
    const { path } = await makeDataset({ samples: 12 });
    const loads = HARMS.map(([, body]) => {
      return { path, module: transformOf(`if (context.sample === 5) { ${body} }`).module };
    });
    const end = await runChild(FAILING, JSON.stringify(loads));
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(end.stdout.trim().split("\n")).toEqual(HARMS.map(([code]) => code));
  });

  it("whatever an image holds", async () => {
    const images = HOPELESS.slice(0, count(1, 6)).map(([, image]) => image);
    const paths = await Promise.all(images.map((image) => jpegs([plain, image])));
    const end = await runChild(FAILING, JSON.stringify(paths.map((path) => ({ path }))));
    expect(end).toMatchObject({ code: 0, stderr: "" });
    expect(end.stdout.trim().split("\n")).toEqual(images.map(() => "IMAGE"));
  });
});
