import { openFormat, type Field, type Sample, type SampleValue, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { open, writeShard } from "./archives.js";

interface Member {
  readonly name: string;
  readonly data: Buffer;
  readonly header: Buffer;
}

/** The members of an archive of short names, read in the simplest way. */
function membersOf(path: string): Member[] {
  const bytes = readFileSync(path);
  const members: Member[] = [];
  for (let at = 0; bytes[at] !== 0;) {
    const header = bytes.subarray(at, at + 512);
    const size = Number.parseInt(header.toString("latin1", 124, 135), 8);
    const name = header.toString("latin1", 0, header.indexOf(0));
    members.push({ name, data: bytes.subarray(at + 512, at + 512 + size), header });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}

function shardOf(fields: readonly Field[], ...values: readonly Record<string, SampleValue>[]): Promise<string> {
  return writeShard(
    { fields },
    values.map((value): Sample => new Map(Object.entries(value))),
  );
}

const JPEG = Buffer.from("\u00ff\u00d8\u00ff...", "latin1");
const PNG = Buffer.from("\u0089PNG\r\n\u001a\n...", "latin1");

describe("a WebDataset shard", () => {
  it("names images and classes as the decoders of webdataset know them, everything else by its field", async () => {
    const path = await shardOf(
      [
        { name: "image", kind: "bytes", encoding: "jpeg" },
        { name: "label", kind: "tensor", dtype: "int64", shape: [] },
        { name: "key", kind: "string" },
        { name: "mask", kind: "bytes", encoding: "png" },
        { name: "raw", kind: "bytes", encoding: "none" },
        { name: "level", kind: "tensor", dtype: "uint8", shape: [] },
        { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 },
      ],
      ...["katze/ä.jpg", "katze/ä.jpg"].map((key) => ({
        image: JPEG,
        label: BigInt64Array.of(-(2n ** 62n)),
        key,
        mask: PNG,
        raw: Buffer.from("r"),
        level: Uint8Array.of(3),
        boxes: { data: new Float32Array(8), shape: [2, 4] },
      })),
    );
    const members = membersOf(path);
    const suffixes = ["jpg", "cls", "key.txt", "mask.png", "raw.bin", "level.npy", "boxes.npy"];
    expect(members.map(({ name }) => name)).toEqual([
      "pax_global_header",
      ...["00000000", "00000001"].flatMap((key) => suffixes.map((suffix) => `${key}.${suffix}`)),
    ]);
    const data = new Map(members.map((one) => [one.name, one.data.toString("utf8")]));
    expect(data.get("00000001.cls")).toBe("-4611686018427387904");
    expect(data.get("00000001.key.txt")).toBe("katze/ä.jpg");
    expect(data.get("00000000.boxes.npy")).toContain("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }");
  });

  it("tells the encoding of an image from its bytes where the schema leaves it open", async () => {
    const images = [JPEG, PNG, Buffer.from("RIFF0000WEBP"), Buffer.from("BM")];
    const path = await shardOf(
      [{ name: "image", kind: "bytes", encoding: "image" }],
      ...images.map((image) => ({ image })),
    );
    const names = membersOf(path).map(({ name }) => name);
    expect(names.slice(1)).toEqual(["00000000.jpg", "00000001.png", "00000002.webp", "00000003.image.bin"]);
    const reader = await open(path);
    expect(images.map((_, row) => Buffer.from(reader.readField(row, "image") as Uint8Array))).toEqual(images);
    expect(reader.extents("image")?.length).toBe(4);
  });

  it("has no time, no owner and no name of this machine in its headers", async () => {
    for (const { header, name } of membersOf(await shardOf([{ name: "key", kind: "string" }], { key: "a" }))) {
      expect(header.toString("latin1", 100, 124)).toBe("0000644\x000000000\x000000000\0");
      expect(header.toString("latin1", 136, 148)).toBe("00000000000\0");
      expect(header.subarray(157, 257).every((byte) => byte === 0)).toBe(true);
      expect(header.toString("latin1", 257, 345)).toBe(`ustar\x0000${"\0".repeat(64)}0000000\x000000000\0`);
      expect(name.length).toBeLessThan(100);
    }
  });

  it("puts the elements of arrays at multiples of 64 bytes", async () => {
    const path = await shardOf(
      [{ name: "image", kind: "tensor", dtype: "float64", shape: [3, 1, 70_000] }],
      ...[0, 1].map(() => ({ image: new Float64Array(210_000) })),
    );
    const extents = (await open(path)).extents("image");
    expect(extents).toMatchObject({ kind: "affine", length: 2, byteLength: 1_680_000 });
    expect(extents?.kind === "affine" && extents.base % 64).toBe(0);
  });

  it("without samples holds one member that webdataset passes over, as Python takes an archive of none for damaged", async () => {
    const path = await shardOf([{ name: "key", kind: "string" }]);
    expect(membersOf(path).map(({ name }) => name)).toEqual(["pax_global_header", "__millrace__/no-samples"]);
    expect((await open(path)).length).toBe(0);
  });

  it("refuses names that webdataset does not tell apart, and attributes that would not come back", async () => {
    const format = await openFormat("webdataset");
    const path = join(tempDir(), "x.tar");
    const schema: Schema = {
      fields: [
        { name: "Key", kind: "string" },
        { name: "key", kind: "string" },
      ],
    };
    await expect(format.createWriter(path, { schema })).rejects.toThrow(/field key: differs from the field Key/u);
    const attributes = new Map([["millrace.schema", "{}"]]);
    const one: Schema = { fields: [{ name: "key", kind: "string" }] };
    await expect(format.createWriter(path, { schema: one, attributes })).rejects.toMatchObject({ code: "OPTION" });
    const writer = await format.createWriter(path, { schema: one });
    await expect(writer.write(new Map([["key", "\ud800"]]))).rejects.toThrow(/half a surrogate pair/u);
    await writer.abort();
  });
});
