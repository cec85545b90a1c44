import {
  createDataset,
  FORMAT_NAMES,
  indexPathOf,
  readShardIndex,
  verifyDataset,
  writeManifest,
  writeShardIndex,
  type FormatName,
  type Manifest,
  type ShardEntry,
} from "@millrace/formats";
import { count, SEED, tempDir } from "@millrace/testkit";
import fc from "fast-check";
import {
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

async function write(format: FormatName): Promise<{ root: string; manifest: Manifest }> {
  const root = join(tempDir(), "shards");
  const writer = await createDataset(root, {
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [40] },
        { name: "key", kind: "string" },
      ],
    },
    format,
    samplesPerShard: 3,
  });
  for (let n = 0; n < 6; n++) {
    await writer.write(
      new Map<string, Uint8Array | string>([
        ["image", new Uint8Array(40).fill(100 + n)],
        ["key", `k${n}`],
      ]),
    );
  }
  return { root, manifest: await writer.finish() };
}

function flip(path: string, bit: number): void {
  const bytes = readFileSync(path);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  writeFileSync(path, bytes);
}

describe.each(FORMAT_NAMES)("verify of %s shards", (format) => {
  it("finds nothing in a sound dataset and counts what it read", async () => {
    const { root } = await write(format);
    const seen: number[] = [];
    const report = await verifyDataset(root, { onProgress: ({ shards }) => seen.push(shards) });
    expect(report).toMatchObject({ ok: true, shards: 2, samples: 6, checksummed: true, damages: [] });
    const files = readdirSync(join(root, "train")).map((name) => statSync(join(root, "train", name)).size);
    expect(report.bytes).toBe(files.reduce((sum, size) => sum + size));
    expect(seen).toEqual([1, 2]);
  });

  it.each(["shard", "sidecar"])(
    "refuses a dataset whose last %s is a link out of it, before it reads anything",
    async (what) => {
      const { root, manifest } = await write(format);
      const shard = join(root, manifest.splits[0]?.shards.at(-1)?.path ?? "");
      const path = what === "shard" ? shard : indexPathOf(shard);
      const outside = join(tempDir(), "elsewhere");
      renameSync(path, outside);
      symlinkSync(outside, path);
      const seen: number[] = [];
      const verifying = verifyDataset(root, { onProgress: ({ shards }) => seen.push(shards) });
      await expect(verifying).rejects.toMatchObject({ code: "MANIFEST" });
      expect(seen).toEqual([]);
    },
  );

  it("names the sample, the field and the place of a flipped byte", async () => {
    const { root, manifest } = await write(format);
    const path = join(root, manifest.splits[0]?.shards[1]?.path ?? "");
    const byte = readFileSync(path).indexOf(new Uint8Array(40).fill(104));
    flip(path, 8 * (byte + 3));
    const { ok, damages } = await verifyDataset(root);
    expect(ok).toBe(false);
    expect(damages).toMatchObject([{ file: path, kind: "sample", sample: 1, field: "image", byte }]);
  });

  it("finds any flipped bit of any file", async () => {
    const { root, manifest } = await write(format);
    const shard = join(root, manifest.splits[0]?.shards[0]?.path ?? "");
    for (const path of [shard, shard.replace(/\.[a-z0-9]+$/u, ".index")]) {
      const bits = readFileSync(path).length * 8;
      await fc.assert(
        fc.asyncProperty(fc.nat(bits - 1), async (bit) => {
          flip(path, bit);
          const report = await verifyDataset(root);
          flip(path, bit);
          expect(report.damages.length).toBeGreaterThan(0);
        }),
        { seed: SEED, numRuns: count(30, 1000) },
      );
    }
  });

  it("tells missing, truncated and grown files apart", async () => {
    const { root, manifest } = await write(format);
    const [first, second] = (manifest.splits[0]?.shards ?? []).map(({ path }) => join(root, path)) as [string, string];
    truncateSync(first, 100);
    writeFileSync(second, Buffer.concat([readFileSync(second), Buffer.alloc(1)]));
    expect((await verifyDataset(root)).damages.map(({ kind }) => kind)).toEqual(["size", "size"]);
    rmSync(first);
    rmSync(second.replace(/\.[a-z0-9]+$/u, ".index"));
    expect((await verifyDataset(root)).damages.map(({ kind }) => kind)).toEqual(["missing", "missing", "size"]);
  });

  it("compares samples with their sidecar even if the checksums of both files are right", async () => {
    const { root, manifest } = await write(format);
    const { fingerprint: _, splits, ...content } = manifest;
    const [split] = splits as [Manifest["splits"][0]];
    const shards = split.shards.map((shard) => ({ ...shard }));
    const [, second] = shards as [ShardEntry, ShardEntry];
    const path = join(root, second.path);
    const { samples, columns } = await readShardIndex(indexPathOf(path));
    const crcs = columns.get("crc32c/key") as Uint32Array;
    crcs[2] = (crcs[2] as number) ^ 1;
    const index = await writeShardIndex(indexPathOf(path), { samples, columns });
    shards[1] = { ...second, index };
    await writeManifest(root, { ...content, splits: [{ ...split, shards }] });
    const { damages } = await verifyDataset(root);
    expect(damages).toMatchObject([{ file: path, kind: "sample", sample: 2, field: "key" }]);
  });

  it("reports a single file of garbage as damage, and names one that is not there", async () => {
    const file = join(tempDir(), "garbage");
    writeFileSync(file, "no shard ".repeat(1000));
    expect(await verifyDataset(file, { format })).toMatchObject({
      ok: false,
      shards: 1,
      samples: 0,
      bytes: 0,
      checksummed: false,
      damages: [{ file, kind: "unreadable" }],
    });
    rmSync(file);
    await expect(verifyDataset(file, { format })).rejects.toMatchObject({ code: "FILE" });
  });

  it("says that a single file has no checksums", async () => {
    const { root, manifest } = await write(format);
    const report = await verifyDataset(join(root, manifest.splits[0]?.shards[0]?.path ?? ""));
    expect(report).toMatchObject({ ok: true, checksummed: false, samples: 3, bytes: 3 * (40 + 2) });
  });

  it("stops with the reason of its signal", async () => {
    const { root } = await write(format);
    await expect(verifyDataset(root, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });
});
