import { openFormat, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { buildFile, contiguous, header, link, noOtherLinks, space, unsigned } from "./build-file.js";
import { everyKindSample, writeEveryKind } from "./every-kind.js";

const hdf5 = await openFormat("hdf5");
const photos = fileURLToPath(new URL("../../../../fixtures/hdf5/photos.h5", import.meta.url));

function dataset(rows: number): Buffer {
  return header([space(rows), unsigned(1), contiguous(96, rows)]);
}

describe("a file without a schema of millrace", () => {
  it("is read with the schema that the caller wishes", async () => {
    const schema: Schema = {
      fields: [
        { name: "jpeg", kind: "bytes", encoding: "image" },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    };
    const reader = await hdf5.openReader(photos, { schema });
    expect(reader.schema).toEqual(schema);
    expect([...reader.read(2).keys()]).toEqual(["jpeg", "label"]);
    reader.close();
  });

  it.each([
    ["another dtype", { name: "label", kind: "tensor", dtype: "int64", shape: [] }],
    ["another shape", { name: "image", kind: "tensor", dtype: "uint8", shape: [5, 4, 1] }],
    ["another kind", { name: "key", kind: "bytes", encoding: "none" }],
    ["another rank", { name: "jpeg", kind: "ragged", dtype: "uint8", rank: 2 }],
    ["a dataset that is not there", { name: "mask", kind: "string" }],
    ["a dataset without rows", { name: "mean", kind: "tensor", dtype: "float64", shape: [] }],
  ] as const)("is refused if the schema asks for %s", async (_, field) => {
    const opening = hdf5.openReader(photos, { schema: { fields: [field] } });
    await expect(opening).rejects.toMatchObject({ message: expect.stringContaining(`field ${field.name}`) as string });
  });

  it("takes the datasets of the length that most have, and leaves out names that no field can have", async () => {
    const names = [
      ["a", 2048],
      ["b", 1024],
      ["c", 1024],
      ["d", 3072],
      ["no name!", 1024],
    ] as const;
    const root = header([noOtherLinks, ...names.map(([name, address]) => link(name, address))]);
    const path = join(tempDir(), "built.h5");
    writeFileSync(
      path,
      buildFile(root, [
        [1024, dataset(5)],
        [2048, dataset(9)],
        [3072, dataset(9)],
        [4000, Buffer.alloc(8)],
      ]),
    );
    const reader = await hdf5.openReader(path);
    expect(reader.schema.fields.map(({ name }) => name)).toEqual(["a", "d"]);
    expect(reader.length).toBe(9);
    reader.close();
  });
});

describe("an open HDF5 shard", () => {
  it("has rows of one sample in memory of their own, also where a chunk holds several", async () => {
    const latest = fileURLToPath(new URL("../../../../fixtures/hdf5/latest.h5", import.meta.url));
    const reader = await hdf5.openReader(latest);
    for (const field of ["gzip", "chunked", "split", "whole", "grow"]) {
      const first = reader.readField(1, field) as Uint16Array;
      const copy = Uint16Array.from(first);
      first.fill(0xffff);
      expect(reader.readField(1, field)).toEqual(copy);
      expect(first.buffer.byteLength).toBe(first.byteLength);
    }
    reader.close();
  });

  it("says which sample is gone when the file is cut off behind its back", async () => {
    const path = await writeEveryKind(40);
    const reader = await hdf5.openReader(path);
    truncateSync(path, 2000);
    expect(reader.readField(3, "image")).toEqual(everyKindSample(3).get("image"));
    expect(() => reader.readField(39, "image")).toThrow(/shard\.h5, byte \d+: the file ends too early/u);
    reader.close();
  });

  it("is found through a link, and keeps the name that it was given", async () => {
    const folder = tempDir();
    mkdirSync(join(folder, "a"));
    symlinkSync(await writeEveryKind(2), join(folder, "a", "link.h5"));
    const reader = await hdf5.openReader(join(folder, "a", "link.h5"));
    expect(reader.path).toBe(join(folder, "a", "link.h5"));
    reader.close();
  });

  it("does not trust a damaged offset of a sample", async () => {
    const path = await writeEveryKind(4);
    const bytes = readFileSync(path);
    // The offsets of the field jpeg: 0, 0, 5, 8, 9.
    const offsets = Buffer.from(BigInt64Array.of(0n, 0n, 5n, 8n, 9n).buffer);
    const at = bytes.indexOf(offsets);
    expect(at).toBeGreaterThan(0);
    for (const wrong of [-1n, 4n, 10n, 2n ** 62n]) {
      bytes.writeBigInt64LE(wrong, at + 24);
      writeFileSync(path, bytes);
      await expect(hdf5.openReader(path)).rejects.toMatchObject({
        code: "CORRUPT_SHARD",
        message: expect.stringMatching(/sample \d, field jpeg, byte \d+: the offset of a sample is wrong/u) as string,
      });
    }
  });
});
