import { openDataset, verifyDataset, type Schema } from "@millrace/formats";
import { renameSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readAll } from "../arrow/every-kind.js";
import { archiveOf, member, open, writeShard } from "./archives.js";

describe("the reader of WebDataset archives", () => {
  it("makes a sample of members that follow each other with the same key, as webdataset does", async () => {
    const names = ["a.txt", "d/a.txt", "d.e/a.txt", "d.e/a.more.txt", "a.txt", "d.e/a.txt"];
    const path = archiveOf(...names.map((name, n) => member(name, `${n}`)));
    const reader = await open(path, { fields: [{ name: "txt", kind: "string" }] });
    expect(readAll(reader).map((sample) => sample.get("txt"))).toEqual(["0", "1", "2", "4", "5"]);
  });

  it("has extents for images, texts and arrays, and none for classes in digits", async () => {
    const members = [0, 1, 2].flatMap((n) => [
      member(`${n}.jpg`, "x".repeat(n)),
      member(`${n}.cls`, `${n}`),
      member(`${n}.txt`, "t"),
    ]);
    const reader = await open(archiveOf(...members));
    expect(reader.extents("image")).toEqual({
      kind: "table",
      length: 3,
      offsets: Float64Array.of(512, 2560 + 512, 5632 + 512),
      byteLengths: Uint32Array.of(0, 1, 2),
    });
    expect(reader.extents("label")).toBeUndefined();
    expect(reader.extents("txt")?.length).toBe(3);
  });

  it("takes its schema from the first sixteen samples, and names a later one that has no such member", async () => {
    const members = Array.from({ length: 20 }, (_, n) => [
      member(`${n}.jpg`, "x"),
      ...(n === 18 ? [] : [member(`${n}.cls`, "1")]),
      ...(n === 3 ? [] : [member(`${n}.txt`, "seldom")]),
    ]);
    const reader = await open(archiveOf(...members.flat()));
    expect(reader.schema.fields.map(({ name }) => name)).toEqual(["image", "label"]);
    expect(reader.readField(19, "label")).toEqual(Int32Array.of(1));
    expect(() => reader.readField(18, "label")).toThrow(/sample 18, field label: the sample has no member for it/u);
  });

  it("takes the caller's schema for an archive of others, and its own for a shard of ours", async () => {
    const given: Schema = { fields: [{ name: "label", kind: "tensor", dtype: "uint8", shape: [] }] };
    const foreign = await open(archiveOf(member("0.CLS", " 7\n"), member("0.jpg", "x")), given);
    expect(foreign.read(0)).toEqual(new Map([["label", Uint8Array.of(7)]]));
    const schema: Schema = { fields: [{ name: "key", kind: "string" }] };
    const ours = await open(await writeShard(schema, [new Map([["key", "a"]])]), given);
    expect(ours.schema).toEqual(schema);
    await expect(open(archiveOf(), { fields: [] })).rejects.toMatchObject({ code: "SCHEMA" });
    expect((await open(archiveOf(), given)).length).toBe(0);
  });

  it("opens by openDataset as a single file, whose damage to data only a manifest would find", async () => {
    const path = archiveOf(member("0.jpg", "x"), member("0.cls", "4"));
    await using dataset = await openDataset(path);
    expect(dataset.format).toBe("webdataset");
    expect((await dataset.split("train").read(0)).get("label")).toEqual(Int32Array.of(4));
    expect(await verifyDataset(path)).toMatchObject({ ok: true, checksummed: false, samples: 1 });
    renameSync(path, path.replace("data.tar", "DATA.TAR"));
    await using renamed = await openDataset(path.replace("data.tar", "DATA.TAR"));
    expect(renamed.format).toBe("webdataset");
  });
});
