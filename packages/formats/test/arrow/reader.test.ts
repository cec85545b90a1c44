import { byteLengthOf, offsetOf, openFormat, sampleBytes, type SampleValue } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { closeSync, mkdirSync, openSync, readSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digest } from "../digests.js";
import {
  everyKind,
  everyKindSample,
  readAll,
  severalBatchesSample,
  writeEveryKind,
  writeSeveralBatches,
  writeShard,
} from "./every-kind.js";

const arrow = await openFormat("arrow");

describe("an Arrow shard", () => {
  it("gives back every value of every kind, over several record batches", async () => {
    const reader = await arrow.openReader(await writeSeveralBatches(2500));
    expect(reader.length).toBe(2500);
    expect(reader.schema).toEqual(everyKind);
    expect(digest(readAll(reader))).toBe(digest(Array.from({ length: 2500 }, (_, n) => severalBatchesSample(n))));
    expect(reader.read(1717)).toEqual(severalBatchesSample(1717));
    reader.close();
  });

  it("says where the bytes of every tensor, string and run of bytes lie", async () => {
    const path = await writeSeveralBatches(2500);
    const reader = await arrow.openReader(path);
    const fd = openSync(path, "r");
    for (const { name } of everyKind.fields.filter(({ kind }) => kind !== "ragged")) {
      const extents = reader.extents(name);
      if (extents === undefined) throw new Error(`${name} has no extents`);
      expect(extents.length).toBe(2500);
      for (let row = 0; row < 2500; row += 37) {
        const bytes = new Uint8Array(byteLengthOf(extents, row));
        readSync(fd, bytes, 0, bytes.length, offsetOf(extents, row));
        const value = severalBatchesSample(row).get(name) as SampleValue;
        expect(Buffer.compare(bytes, sampleBytes(value)), `${name} of row ${row}`).toBe(0);
      }
    }
    closeSync(fd);
    reader.close();
  });

  it("has affine extents for tensors of one record batch and a table for several", async () => {
    const one = await arrow.openReader(await writeSeveralBatches(999));
    expect(one.extents("image")).toMatchObject({ kind: "affine", stride: 60, byteLength: 60 });
    expect(one.extents("label")).toMatchObject({ kind: "affine", stride: 4 });
    const two = await arrow.openReader(await writeSeveralBatches(1001));
    expect(two.extents("image")).toMatchObject({ kind: "table", length: 1001 });
    one.close();
    two.close();
  });

  it("keeps a schema and attributes without any sample", async () => {
    const attributes = new Map([
      ["millrace.classes", '["__proto__","\u{feff}b"]'],
      ["__proto__", ""],
    ]);
    const reader = await arrow.openReader(await writeShard(everyKind, [], attributes));
    expect(reader.length).toBe(0);
    expect(reader.schema).toEqual(everyKind);
    expect(reader.attributes).toEqual(attributes);
    expect(reader.extents("image")).toMatchObject({ length: 0 });
    expect(reader.extents("key")).toMatchObject({ length: 0 });
    expect(() => reader.read(0)).toThrow(/there is no such sample/);
    reader.close();
  });

  it("keeps texts as they are, byte order mark and NUL included", async () => {
    const schema = { fields: [{ name: "key", kind: "string" as const }] };
    const texts = ["\u{feff}a", "\0", "", "\u{10ffff}"];
    const reader = await arrow.openReader(
      await writeShard(
        schema,
        texts.map((text) => new Map([["key", text]])),
      ),
    );
    expect(texts.map((_, row) => reader.readField(row, "key"))).toEqual(texts);
    reader.close();
  });

  it("gives memory that is the caller's", async () => {
    const reader = await arrow.openReader(await writeEveryKind(2));
    (reader.readField(1, "image") as Uint8Array).fill(0);
    expect(reader.read(1)).toEqual(everyKindSample(1));
    reader.close();
  });

  it.each([-1, 3, 0.5, Number.NaN])("refuses row %s of three", async (row) => {
    const reader = await arrow.openReader(await writeEveryKind(3));
    expect(() => reader.readField(row, "image")).toThrow(/option row: there is no such sample; expected 0 to 2/);
    reader.close();
  });

  it("names the fields it has when asked for another", async () => {
    const reader = await arrow.openReader(await writeEveryKind(1));
    expect(() => reader.extents("picture")).toThrow(/field picture: no such field; expected one of image/);
    expect(() => reader.readField(0, "__proto__")).toThrow(/no such field/);
    reader.close();
  });

  it("says that it is closed, and can be closed twice", async () => {
    const reader = await arrow.openReader(await writeEveryKind(1));
    reader.close();
    reader.close();
    expect(() => reader.readField(0, "image")).toThrow(/the shard is closed/);
  });

  it("notices that the file became shorter while it was open", async () => {
    const path = await writeEveryKind(8);
    const reader = await arrow.openReader(path);
    truncateSync(path, 100);
    expect(() => reader.readField(0, "image")).toThrow(/the file ends too early/);
    reader.close();
  });

  it("says that there is no file, or that it is a folder", async () => {
    const folder = join(tempDir(), "folder.arrow");
    await expect(arrow.openReader(folder)).rejects.toMatchObject({ code: "FILE", message: /no such file/ });
    mkdirSync(folder);
    await expect(arrow.openReader(folder)).rejects.toMatchObject({ code: "FILE", message: /is a folder/ });
  });
});
