import {
  createDataset,
  isMillraceError,
  openFormat,
  verifyDataset,
  type Sample,
  type SampleValue,
  type Schema,
} from "@millrace/formats";
import { count, tempDir } from "@millrace/testkit";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readAll, writeShard } from "./every-kind.js";

const hdf5 = await openFormat("hdf5");

const schema: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint16", shape: [32, 16] },
    { name: "depth", kind: "tensor", dtype: "float32", shape: [256] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "jpeg", kind: "bytes", encoding: "jpeg" },
    { name: "key", kind: "string" },
  ],
};

function sampleOf(n: number): Sample {
  return new Map<string, SampleValue>([
    ["image", Uint16Array.from({ length: 512 }, (_, i) => (n * 7 + (i >> 4)) & 0xffff)],
    ["depth", new Float32Array(256).fill(n / 3)],
    ["label", Int32Array.of(n)],
    ["jpeg", new Uint8Array(n % 50).fill(n)],
    ["key", `key ${n}`],
  ]);
}

async function writeDeflated(length: number): Promise<string> {
  const samples = Array.from({ length }, (_, n) => sampleOf(n));
  return await writeShard(schema, samples, undefined, "gzip");
}

describe("a shard of HDF5 with deflated tensors", () => {
  // A node of the tree of chunks has 64 children.
  it.each([0, 1, 64, 65, count(700, 4097)])("gives back its %i samples, and is smaller", async (length) => {
    const path = await writeDeflated(length);
    expect(statSync(path).size).toBeLessThan(20_000 + length * 600);
    const reader = await hdf5.openReader(path);
    expect(reader.schema).toEqual(schema);
    expect(reader.length).toBe(length);
    expect(readAll(reader)).toEqual(Array.from({ length }, (_, n) => sampleOf(n)));
    reader.close();
  });

  it("has extents for what is not deflated: small tensors, bytes and strings", async () => {
    const reader = await hdf5.openReader(await writeDeflated(3));
    const found = schema.fields.map(({ name }) => [name, reader.extents(name) !== undefined]);
    expect(Object.fromEntries(found)).toEqual({ image: false, depth: false, label: true, jpeg: true, key: true });
    reader.close();
  });

  it("is part of a data set, which verifies; no other format is packed so", async () => {
    const root = join(tempDir(), "shards");
    const writer = await createDataset(root, { schema, compression: "gzip", samplesPerShard: 4 });
    for (let n = 0; n < 6; n++) await writer.write(sampleOf(n));
    expect((await writer.finish()).provenance.options).toEqual({ samplesPerShard: 4, compression: "gzip" });
    expect(await verifyDataset(root)).toMatchObject({ ok: true, shards: 2 });
    const packed = createDataset(join(tempDir(), "a"), { schema, format: "arrow", compression: "gzip" });
    await expect(packed).rejects.toMatchObject({ code: "OPTION", detail: { option: "compression" } });
  });

  it("cut off at any place does not open", async () => {
    const path = await writeDeflated(2);
    for (let size = statSync(path).size - 1; size >= 0; size -= 13) {
      truncateSync(path, size);
      await expect(hdf5.openReader(path)).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
    }
  });

  it("says which chunk is damaged, and refuses a tree whose rows are out of order or outside", async () => {
    const bytes = readFileSync(await writeDeflated(40));
    const path = join(tempDir(), "damaged.h5");
    const endingOf = async (at: number, byte: number): Promise<string> => {
      const copy = Buffer.from(bytes);
      copy[at] = byte;
      writeFileSync(path, copy);
      try {
        readAll(await hdf5.openReader(path));
        return "values";
      } catch (error) {
        return isMillraceError(error) ? error.message : String(error);
      }
    };
    // A key has the bytes of its chunk, 4; the filter mask, 4; the row, 8; two more places, 8 each; the address, 8.
    const key = (row: number): number => bytes.indexOf("TREE") + 24 + row * (16 + 8 * 3 + 8);
    expect(await endingOf(key(7) + 8, 3)).toMatch(/out of order/u);
    expect(await endingOf(key(39) + 9, 1)).toMatch(/outside of its dataset/u);
    expect(await endingOf(key(5) + 4, 1)).toMatch(/a chunk is damaged: it has \d+ bytes, expected 1024/u);
    expect(await endingOf(Number(bytes.readBigUInt64LE(key(5) + 40)) + 9, 0xff)).toMatch(/field image.*damaged/u);
  });
});
