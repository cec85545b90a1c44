import { offsetOf, openFormat, type Schema } from "@millrace/formats";
import { count, tempDir } from "@millrace/testkit";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample, readAll, writeEveryKind, writeShard } from "./every-kind.js";

const hdf5 = await openFormat("hdf5");
const text: Schema = { fields: [{ name: "key", kind: "string" }] };

async function textsAfter(texts: readonly string[]): Promise<{ found: unknown[]; file: Buffer }> {
  const path = await writeShard(
    text,
    texts.map((one) => new Map([["key", one]])),
  );
  const reader = await hdf5.openReader(path);
  const found = readAll(reader).map((sample) => sample.get("key"));
  reader.close();
  return { found, file: readFileSync(path) };
}

describe("an HDF5 shard", () => {
  it("holds more fields than a group keeps in its header", async () => {
    const reader = await hdf5.openReader(await writeEveryKind(9));
    expect(reader.schema).toEqual(everyKind);
    expect(readAll(reader)).toEqual(Array.from({ length: 9 }, (_, n) => everyKindSample(n)));
    reader.close();
  });

  it("has tensors row after row: affine extents, also of fewer samples than expected", async () => {
    const samples = Array.from({ length: 5 }, (_, n) => everyKindSample(n));
    for (const expected of [5, 8, undefined]) {
      const reader = await hdf5.openReader(await writeShard(everyKind, samples, expected));
      expect(reader.extents("image")).toMatchObject({ kind: "affine", length: 5, stride: 60, byteLength: 60 });
      expect(reader.extents("half")).toMatchObject({ kind: "affine", length: 5, stride: 6, byteLength: 6 });
      reader.close();
    }
  });

  it("has the runs of bytes and ragged fields one after the other", async () => {
    const reader = await hdf5.openReader(await writeEveryKind(4));
    const jpeg = reader.extents("jpeg");
    const boxes = reader.extents("boxes");
    if (jpeg === undefined || boxes === undefined) throw new Error("no extents");
    expect([0, 1, 2, 3].map((row) => offsetOf(jpeg, row) - offsetOf(jpeg, 0))).toEqual([0, 0, 5, 8]);
    expect([0, 1, 2, 3].map((row) => offsetOf(boxes, row) - offsetOf(boxes, 0))).toEqual([0, 0, 16, 48]);
    reader.close();
  });

  it("keeps short strings as strings of equal length", async () => {
    const { found, file } = await textsAfter(["", "ä", "three"]);
    expect(found).toEqual(["", "ä", "three"]);
    expect(file.includes("\0\0\0\0\0ä\0\0\0three")).toBe(true);
  });

  it("keeps strings that are long or end in a zero as runs of bytes, so that nothing is lost or wasted", async () => {
    for (const odd of ["y".repeat(4097), "ends\0", "\0"]) {
      const { found, file } = await textsAfter(["", "ä", odd, "z"]);
      expect(found).toEqual(["", "ä", odd, "z"]);
      expect(file.includes(`ä${odd}z`)).toBe(true);
      expect(file.length).toBeLessThan(20_000);
    }
    const { found, file } = await textsAfter(["y".repeat(4096), "mid\0dle"]);
    expect(found).toEqual(["y".repeat(4096), "mid\0dle"]);
    expect(file.includes(`mid\0dle\0\0\0`)).toBe(true);
  });

  it("keeps the bits of float16, with an odd number of samples too", async () => {
    const schema: Schema = { fields: [{ name: "half", kind: "tensor", dtype: "float16", shape: [] }] };
    for (const length of [1, 2, 7]) {
      const samples = Array.from({ length }, (_, n) => new Map([["half", Uint16Array.of(0x3c00 + n)]]));
      const path = await writeShard(schema, samples, length);
      const reader = await hdf5.openReader(path);
      expect(readAll(reader)).toEqual(samples);
      reader.close();
    }
  });
});

const large: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [1000, 1000, 3] },
    { name: "jpeg", kind: "bytes", encoding: "none" },
    { name: "key", kind: "string" },
  ],
};

function sampleOf(n: number): Map<string, Uint8Array | string> {
  return new Map<string, Uint8Array | string>([
    ["image", new Uint8Array(3_000_000).fill(n)],
    ["jpeg", new Uint8Array(n === 2 ? 9_000_000 : 1_500_000).fill(n + 100)],
    ["key", "k".repeat(n * 300)],
  ]);
}

function scalars(length: number): Schema {
  return { fields: Array.from({ length }, (_, n) => ({ name: `f${n}`, kind: "tensor", dtype: "uint8", shape: [] })) };
}

describe("a writer of HDF5", () => {
  it.each([undefined, 5, 6])(
    "keeps what is more than memory in the shard or in files without a name (%s)",
    async (expected) => {
      const folder = tempDir();
      const path = join(folder, "shard.h5");
      const writer = await hdf5.createWriter(path, { schema: large, expectedSamples: expected });
      for (let n = 0; n < 5; n++) {
        await writer.write(sampleOf(n));
        expect(readdirSync(folder)).toEqual(["shard.h5"]);
      }
      await writer.finish();
      expect(readdirSync(folder)).toEqual(["shard.h5"]);
      expect(statSync(path).size).toBeLessThan(5 * 3_000_000 + 15_000_000 + 40_000);
      const reader = await hdf5.openReader(path);
      expect(reader.length).toBe(5);
      for (let n = 0; n < 5; n++) {
        const sample = reader.read(n);
        for (const [name, value] of sampleOf(n))
          expect(Buffer.compare(Buffer.from(sample.get(name) as string), Buffer.from(value))).toBe(0);
      }
      reader.close();
    },
  );

  it("waits for a finish that is under way before it aborts, and then does nothing", async () => {
    const path = join(tempDir(), "shard.h5");
    const writer = await hdf5.createWriter(path, { schema: everyKind });
    await writer.write(everyKindSample(1));
    const finished = writer.finish();
    await writer.abort();
    await finished;
    expect(readAll(await hdf5.openReader(path))).toEqual([everyKindSample(1)]);
  });

  it.each([
    ["of the schema's name", new Map([["millrace.schema", "{}"]])],
    ["with a zero in its text", new Map([["a", "b\0c"]])],
    ["without a name", new Map([["", "b"]])],
    ["beyond 32,000", new Map(Array.from({ length: 32_001 }, (_, n) => [`a${n}`, ""]))],
  ])("refuses an attribute %s", async (_, attributes) => {
    const folder = tempDir();
    const creating = hdf5.createWriter(join(folder, "a.h5"), { schema: text, attributes });
    await expect(creating).rejects.toMatchObject({ code: "OPTION" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("keeps many fields and attributes, and refuses more fields than a header holds", async () => {
    const path = join(tempDir(), "shard.h5");
    const attributes = new Map(
      Array.from({ length: count(3000, 32_000) }, (_, n) => [`a${n}`, n % 2 === 0 ? "" : `${n}`]),
    );
    await (await hdf5.createWriter(path, { schema: scalars(300), attributes })).finish();
    const reader = await hdf5.openReader(path);
    expect(reader.schema).toEqual(scalars(300));
    expect(reader.attributes).toEqual(attributes);
    reader.close();
    await expect(hdf5.createWriter(`${path}.2`, { schema: scalars(32_001) })).rejects.toMatchObject({ code: "SCHEMA" });
  });

  it.each([-1, 1.5, Number.NaN])("refuses %s expected samples", async (expectedSamples) => {
    const creating = hdf5.createWriter(join(tempDir(), "a.h5"), { schema: text, expectedSamples });
    await expect(creating).rejects.toMatchObject({ code: "OPTION" });
  });
});
