import {
  checksumFile,
  createShard,
  FORMAT_NAMES,
  openDataset,
  openFormat,
  openShard,
  writeShardIndex,
  type Sample,
  type Schema,
  type ShardEntry,
  type ShardLocation,
} from "@millrace/formats";
import { count, SEED, tempDir } from "@millrace/testkit";
import fc from "fast-check";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { everyKind, everyKindSample } from "./arrow/every-kind.js";
import { digest } from "./digests.js";
import { codeOf } from "./format-samples.js";
import { writeDataset } from "./write-dataset.js";

async function locationOf(root: string): Promise<ShardLocation> {
  const dataset = await openDataset(root);
  dataset.close();
  return dataset.split("train").shards[0] as ShardLocation;
}

function indexOf(path: string): string {
  return path.replace(/\.[a-z0-9]+$/u, ".index");
}

const label = (dtype: "int32" | "uint32"): Schema => ({
  fields: [{ name: "label", kind: "tensor", dtype, shape: [] }],
});

describe.each(FORMAT_NAMES)("a shard of a dataset of %s", (format) => {
  const write = (from: number): Promise<string> =>
    writeDataset(
      format,
      everyKind,
      Array.from({ length: 4 }, (_, n) => everyKindSample(from + n)),
    );

  it("with its sidecar from another conversion is refused, and so is a sidecar alone", async () => {
    const [ours, other] = [await locationOf(await write(0)), await locationOf(await write(12))];
    const sidecar = readFileSync(indexOf(ours.path));
    copyFileSync(other.path, ours.path);
    copyFileSync(indexOf(other.path), indexOf(ours.path));
    const sameSize = { ...ours, entry: { ...(ours.entry as ShardEntry), bytes: other.entry?.bytes ?? 0 } };
    await expect(openShard(sameSize)).rejects.toThrow(/is not the shard index of the manifest; expected crc32c 0x/u);
    writeFileSync(indexOf(ours.path), sidecar.subarray(1));
    await expect(openShard(sameSize)).rejects.toThrow(/is not the shard index of the manifest; expected \d+ bytes/u);
  });

  it("whose sidecar lacks the checksums of a field is refused", async () => {
    const location = await locationOf(await write(0));
    const columns = new Map<string, Uint32Array | Int32Array>(
      everyKind.fields.map(({ name }) => [`crc32c/${name}`, new Uint32Array(4)]),
    );
    const withColumn = async (column: Uint32Array | Int32Array | undefined): Promise<ShardLocation> => {
      columns.delete("crc32c/key");
      if (column !== undefined) columns.set("crc32c/key", column);
      const index = await writeShardIndex(indexOf(location.path), { samples: 4, columns });
      return { ...location, entry: { ...(location.entry as ShardEntry), index } };
    };
    for (const column of [undefined, new Uint32Array(3), new Int32Array(4)]) {
      const lacking = await withColumn(column);
      await expect(openShard(lacking)).rejects.toMatchObject({ code: "CORRUPT_SHARD", detail: { field: "key" } });
    }
    (await openShard(await withColumn(new Uint32Array(4)))).close();
  });

  it("of another schema than the dataset is refused by field", async () => {
    const samples = [new Map([["label", Int32Array.of(1)]])];
    const location = await locationOf(await writeDataset(format, label("int32"), samples));
    await expect(openShard({ ...location, schema: label("uint32") })).rejects.toMatchObject({
      code: "CORRUPT_SHARD",
      detail: {
        field: "label",
        expected: expect.stringContaining("uint32") as string,
        found: expect.stringContaining('"int32"') as string,
      },
    });
  });

  it("never gives another sample, whichever bit of it flips", async () => {
    const root = await write(0);
    const { path } = await locationOf(root);
    const bytes = readFileSync(path);
    const fd = openSync(path, "r+");
    onTestFinished(() => closeSync(fd));
    const readAll = async (checksums: "always" | "first"): Promise<string> => {
      await using dataset = await openDataset(root, { checksums });
      const samples: Sample[] = [];
      for (let n = 0; n < 4; n++) samples.push(await dataset.split("train").read(n));
      return digest(samples);
    };
    const sound = await readAll("always");
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), fc.boolean(), async (at, bit, always) => {
        writeSync(fd, Uint8Array.of((bytes[at] as number) ^ (1 << bit)), 0, 1, at);
        let ending: string | undefined;
        const code = await codeOf(async () => (ending = await readAll(always ? "always" : "first")));
        writeSync(fd, bytes, at, 1, at);
        expect([`no error ${sound}`, "CORRUPT_SHARD undefined", "UNSUPPORTED undefined"]).toContain(
          `${code} ${ending}`,
        );
      }),
      { seed: SEED, numRuns: count(50, 5000) },
    );
  });

  it("keeps of its sidecar, if that is asked for, the checksums of some fields in memory of their own", async () => {
    const location = await locationOf(await write(0));
    const shard = await openShard(location);
    shard.keepChecksums(["key"]);
    const columns = [...(shard.index?.columns ?? [])];
    expect(columns.map(([name, { length, buffer }]) => [name, length, buffer.byteLength])).toEqual([
      ["crc32c/key", 4, 16],
    ]);
    const key = Buffer.from(shard.reader.readField(2, "key") as string);
    expect(await codeOf(() => shard.check(2, "key", key))).toBe("no error");
    expect(await codeOf(() => shard.check(1, "key", key))).toBe("CORRUPT_SHARD");
    shard.close();
  });

  it("is checked by the shape of a ragged value too", async () => {
    const location = await locationOf(await write(0));
    const shard = await openShard(location);
    const transposed = (shape: readonly number[]): Buffer => {
      const { data } = shard.reader.readField(1, "boxes") as { data: Float32Array };
      return Buffer.concat([Buffer.from(BigInt64Array.from(shape, BigInt).buffer), Buffer.from(data.buffer.slice(0))]);
    };
    expect(await codeOf(() => shard.check(1, "boxes", transposed([1, 4])))).toBe("no error");
    expect(await codeOf(() => shard.check(1, "boxes", transposed([4, 1])))).toBe("CORRUPT_SHARD");
    expect(await codeOf(() => shard.check(4, "boxes", transposed([1, 4])))).toBe("OPTION");
    shard.close();
  });
});

function blob(n: number): Sample {
  return new Map([["blob", Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * (n + 3)) >> 4)]]);
}

describe.each(FORMAT_NAMES)("a new shard of %s", (format) => {
  const schema: Schema = { fields: [{ name: "blob", kind: "tensor", dtype: "uint8", shape: [2 ** 20] }] };
  const create = (root: string): ReturnType<typeof createShard> =>
    createShard(root, { split: "train", number: 0, format, schema, expectedSamples: 6 });

  it("whose bytes were damaged after they were written is not finished, and leaves nothing", async () => {
    const root = tempDir();
    const builder = await create(root);
    for (let n = 0; n < 6; n++) await builder.write(blob(n));
    expect(damage(join(root, "train"), blob(0).get("blob") as Uint8Array)).toBe(true);
    await expect(builder.finish()).rejects.toMatchObject({ code: "CORRUPT_SHARD", detail: { sample: 0 } });
    await builder.abort();
    expect(readdirSync(join(root, "train"))).toEqual([]);
  });

  it("that lost its end while it was written is not finished", async () => {
    const root = tempDir();
    const builder = await create(root);
    for (let n = 0; n < 6; n++) await builder.write(blob(n));
    for (const name of readdirSync(join(root, "train"))) truncateSync(join(root, "train", name), 2 ** 21);
    await expect(builder.finish()).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
    await builder.abort();
    expect(readdirSync(join(root, "train"))).toEqual([]);
  });

  it("has the size and the checksum of its file in its entry, though nothing read it", async () => {
    const root = tempDir();
    const builder = await create(root);
    for (let n = 0; n < 6; n++) await builder.write(blob(n));
    const { path, bytes, crc32c } = await builder.finish();
    expect(await checksumFile(join(root, path))).toEqual({ bytes, crc32c });
  });

  it("that cannot be renamed leaves nothing", async () => {
    const root = tempDir();
    const builder = await create(root);
    await builder.write(blob(0));
    const extension = (await openFormat(format)).extensions[0];
    mkdirSync(join(root, "train", `shard-00000.${extension}`, "in-the-way"), { recursive: true });
    expect(await codeOf(() => builder.finish())).toBe("FILE");
    await builder.abort();
    await builder.abort();
    expect(readdirSync(join(root, "train"))).toEqual([`shard-00000.${extension}`]);
  });

  it("stays in its folder", async () => {
    const root = join(tempDir(), "shards");
    for (const split of ["../evil", "", "a/b", ".."])
      expect(await codeOf(() => createShard(root, { split, number: 0, format, schema }))).toBe("OPTION");
  });
});

/** Flips a bit of `wanted` in the first file of a folder that holds it. */
function damage(folder: string, value: Uint8Array): boolean {
  const wanted = value.subarray(0, 1000);
  for (const name of readdirSync(folder)) {
    const at = readFileSync(join(folder, name)).indexOf(wanted);
    if (at < 0) continue;
    const fd = openSync(join(folder, basename(name)), "r+");
    writeSync(fd, Uint8Array.of((wanted[500] as number) ^ 1), 0, 1, at + 500);
    closeSync(fd);
    return true;
  }
  return false;
}
