import { openFormat, type Field, type Schema, type ShardReader } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  buildFile,
  contiguous,
  header,
  link,
  MESSAGE,
  noOtherLinks,
  pack,
  ROOT,
  space,
  unsigned,
} from "./build-file.js";
import { everyKind, everyKindSample, writeShard } from "./every-kind.js";

const hdf5 = await openFormat("hdf5");
const DATA = 4096;

type Message = [number, Buffer];

async function openBuilt(file: Buffer): Promise<ShardReader> {
  const path = join(tempDir(), "built.h5");
  writeFileSync(path, file);
  return await hdf5.openReader(path);
}

/** A file with one dataset `x` of these messages, and data after it. */
function withMessages(messages: readonly Message[], data: Buffer = Buffer.alloc(64)): Buffer {
  const root = header([noOtherLinks, link("x", 1024)]);
  return buildFile(root, [
    [1024, header(messages)],
    [DATA, data],
  ]);
}

/** A file with one dataset `x` of 2 rows of such elements. */
function withType(type: Buffer, bytes: number, data?: Buffer): Buffer {
  return withMessages([space(2), [MESSAGE.datatype, type], contiguous(DATA, 2 * bytes)], data);
}

/** Class, bits, bytes, and the properties of numbers: bit offset and precision. */
function integer(bytes: number, bits = 0, precision = bytes * 8, offset = 0): Buffer {
  return pack([1, 0x10], [3, bits], [4, bytes], [2, offset], [2, precision]);
}

/** Exponent and mantissa as pairs of place and bits. */
function float(
  bytes: number,
  sign: number,
  exponent: [number, number],
  mantissa: [number, number],
  bias: number,
  bits = 0x20,
): Buffer {
  const parts = [...exponent, ...mantissa].map((part): [number, number] => [1, part]);
  return pack([1, 0x11], [1, bits], [1, sign], [1, 0], [4, bytes], [2, 0], [2, bytes * 8], ...parts, [4, bias]);
}

function text(bytes: number, padding: number): Buffer {
  return pack([1, 0x13], [3, padding], [4, bytes]);
}

describe("the datatypes of HDF5", () => {
  const numbers: [string, Buffer, Field][] = [
    ["a signed integer", integer(4, 8), { name: "x", kind: "tensor", dtype: "int32", shape: [] }],
    ["a big-endian integer", integer(8, 1), { name: "x", kind: "tensor", dtype: "uint64", shape: [] }],
    ["half precision", float(2, 15, [10, 5], [0, 10], 15), { name: "x", kind: "tensor", dtype: "float16", shape: [] }],
    [
      "single precision",
      float(4, 31, [23, 8], [0, 23], 127),
      { name: "x", kind: "tensor", dtype: "float32", shape: [] },
    ],
    [
      "double precision",
      float(8, 63, [52, 11], [0, 52], 1023),
      { name: "x", kind: "tensor", dtype: "float64", shape: [] },
    ],
    [
      "an enumeration of integers",
      pack([1, 0x18], [3, 2], [4, 1], integer(1, 8), "FALSE\0\0\0TRUE\0\0\0\0", [1, 0], [1, 1]),
      { name: "x", kind: "tensor", dtype: "int8", shape: [] },
    ],
    ["a text", text(3, 1), { name: "x", kind: "string" }],
  ];

  it.each(numbers)("are read: %s", async (_, type, field) => {
    const reader = await openBuilt(withType(type, 8));
    expect(reader.schema.fields).toEqual([field]);
    expect(reader.length).toBe(2);
    reader.close();
  });

  const others: [string, Buffer][] = [
    ["integers of 3 bytes", integer(3)],
    ["integers of 12 bits", integer(2, 0, 12)],
    ["integers that begin at a bit", integer(2, 0, 16, 1)],
    ["brain floats", float(2, 15, [7, 8], [0, 7], 127)],
    ["floats of VAX", float(4, 31, [23, 8], [0, 23], 127, 0x61)],
    ["compounds", pack([1, 0x16], [3, 1], [4, 4])],
    ["opaque bytes", pack([1, 0x15], [3, 0], [4, 4])],
    ["references", pack([1, 0x17], [3, 0], [4, 8])],
    ["runs of compounds", pack([1, 0x19], [3, 0], [4, 16], [1, 0x16], [3, 1], [4, 4])],
    ["runs of runs", pack([1, 0x19], [3, 0], [4, 16], [1, 0x19], [3, 0], [4, 16], integer(1))],
    ["runs nested without end", Buffer.concat(Array.from({ length: 1000 }, () => pack([1, 0x19], [3, 0], [4, 16])))],
  ];

  it.each(others)("that are no field are left out: %s", async (_, type) => {
    await expect(openBuilt(withType(type, 16))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(/no dataset of samples.*found x: /u) as string,
    });
  });

  it.each([
    ["zeros", 1, "ab\0cd\0", ["ab", "cd"]],
    ["a zero at the end", 0, "ab\0c\0z", ["ab", "c"]],
    ["spaces", 2, "ab c  ", ["ab", "c"]],
  ] as const)("end texts as they say: padded with %s", async (_, padding, data, expected) => {
    const reader = await openBuilt(withType(text(3, padding), 3, Buffer.from(data, "latin1")));
    expect([reader.readField(0, "x"), reader.readField(1, "x")]).toEqual(expected);
    reader.close();
  });

  it("of texts hold UTF-8", async () => {
    const reader = await openBuilt(withType(text(3, 1), 3, Buffer.from("ab\0c\xe4\0", "latin1")));
    expect(reader.readField(0, "x")).toBe("ab");
    expect(() => reader.readField(1, "x")).toThrow(/byte 4099: a text is not UTF-8/u);
    reader.close();
  });

  it.each([
    ["of 0 bytes", integer(0)],
    ["with an unknown padding", text(3, 7)],
  ])("that are impossible are damage: %s", async (_, type) => {
    await expect(openBuilt(withType(type, 3))).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
  });
});

describe("the layouts of HDF5", () => {
  it("are read: compact, with its elements in the header", async () => {
    const layout: Message = [MESSAGE.layout, pack([1, 3], [1, 0], [2, 4], "abcd")];
    const reader = await openBuilt(withMessages([space(2, 2), unsigned(1), layout]));
    expect(reader.readField(1, "x")).toEqual(new Uint8Array(Buffer.from("cd")));
    expect(reader.extents("x")).toMatchObject({ kind: "affine", stride: 2 });
    reader.close();
  });

  it.each([
    ["of version 1", pack([1, 1], [1, 1], [1, 1], [5, 0], [8, DATA], [4, 4]), "layout of version 1"],
    ["of an unknown class", pack([1, 3], [1, 9], [8, 0]), "layout class 9"],
    [
      "of an unknown index",
      pack([1, 4], [1, 2], [1, 0], [1, 2], [1, 1], [1, 2], [1, 1], [1, 9], [8, 0]),
      "chunk index 9",
    ],
  ])("are refused: %s", async (_, layout, message) => {
    await expect(openBuilt(withMessages([space(4), unsigned(1), [MESSAGE.layout, layout]]))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining(message) as string,
    });
  });

  it.each([
    ["chunks of another rank", pack([1, 3], [1, 2], [1, 3], [8, -1], [4, 2], [4, 2], [4, 1])],
    ["chunks of extent 0", pack([1, 3], [1, 2], [1, 2], [8, -1], [4, 0], [4, 1])],
    ["chunks of other elements", pack([1, 3], [1, 2], [1, 2], [8, -1], [4, 2], [4, 8])],
    ["chunks of no dimension", pack([1, 3], [1, 2], [1, 1], [8, -1], [4, 1])],
  ])("that contradict their dataset are damage: %s", async (_, layout) => {
    const built = openBuilt(withMessages([space(4), unsigned(1), [MESSAGE.layout, layout]]));
    await expect(built).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
  });
});

describe("the superblock", () => {
  const root = header([noOtherLinks, link("x", 1024)]);
  const sound = (): Buffer =>
    buildFile(root, [
      [1024, header([space(2), unsigned(1), contiguous(DATA, 2)])],
      [DATA, Buffer.from("ab")],
    ]);

  it("may stand after a user block that was put before the file", async () => {
    for (const length of [512, 1024, 8192]) {
      const reader = await openBuilt(Buffer.concat([Buffer.alloc(length, "#!"), sound()]));
      expect(reader.extents("x")).toMatchObject({ base: length + DATA });
      expect(reader.readField(1, "x")).toEqual(Uint8Array.of(0x62));
      reader.close();
    }
  });

  it.each([
    ["of an unknown version", 8, 4, "UNSUPPORTED", /unknown version; expected 0 to 3, found 4/u],
    ["with addresses of 3 bytes", 13, 3, "CORRUPT_SHARD", /impossible width/u],
    ["without a root", 64, 0xff, "CORRUPT_SHARD", /the HDF5 metadata is damaged/u],
    ["without a signature", 0, 0, "CORRUPT_SHARD", /not an HDF5 file/u],
  ] as const)("%s is refused", async (_, at, value, code, message) => {
    const file = sound();
    file[at] = value;
    await expect(openBuilt(file)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it("leads to the root, whose soft and external links are not followed", async () => {
    const soft: Message = [MESSAGE.link, pack([1, 1], [1, 8], [1, 1], [1, 1], "s", [2, 2], "/x")];
    const external: Message = [MESSAGE.link, pack([1, 1], [1, 8], [1, 64], [1, 1], "e", [2, 14], "\0/etc/passwd\0x")];
    const group = header([noOtherLinks, soft, external, link("x", 1024), link("loop", ROOT)]);
    const dataset = header([space(2), unsigned(1), contiguous(DATA, 2)]);
    const reader = await openBuilt(
      buildFile(group, [
        [1024, dataset],
        [DATA, Buffer.from("ab")],
      ]),
    );
    expect(reader.schema.fields.map(({ name }) => name)).toEqual(["x"]);
    reader.close();
  });
});

describe("a shard whose datasets contradict each other", () => {
  const samples = Array.from({ length: 3 }, (_, n) => everyKindSample(n));

  it("is refused where it lacks one", async () => {
    const schema: Schema = { fields: everyKind.fields.filter(({ name }) => name === "label" || name === "boxes") };
    const some = samples.map(
      (sample) => new Map(schema.fields.map(({ name }) => [name, sample.get(name) as Int32Array])),
    );
    const path = await writeShard(schema, some, 3);
    const bytes = readFileSync(path);
    const label = Buffer.from('"name":"label","kind":"tensor"');
    bytes.write('"name":"labex","kind":"tensor"', bytes.indexOf(label), "latin1");
    writeFileSync(path, bytes);
    await expect(hdf5.openReader(path)).rejects.toMatchObject({
      code: "CORRUPT_SHARD",
      message: expect.stringContaining("field labex: the file does not hold what its schema says") as string,
    });
  });

  it("names the sample whose shape does not fit its elements", async () => {
    const path = await writeShard(everyKind, samples, 3);
    const bytes = readFileSync(path);
    const shapes = Buffer.from(BigInt64Array.of(0n, 4n, 1n, 4n, 2n, 4n).buffer);
    bytes.writeBigInt64LE(7n, bytes.indexOf(shapes) + 16);
    writeFileSync(path, bytes);
    const reader = await hdf5.openReader(path);
    expect(reader.readField(2, "boxes")).toEqual(everyKindSample(2).get("boxes"));
    expect(() => reader.readField(1, "boxes")).toThrow(
      /sample 1, field boxes: the shape does not fit.*expected 4.*found \[7, 4\]/u,
    );
    reader.close();
  });
});
