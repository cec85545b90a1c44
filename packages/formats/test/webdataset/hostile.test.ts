import { isMillraceError, type Dtype, type Schema } from "@millrace/formats";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readAll } from "../arrow/every-kind.js";
import { archiveOf, base256, member, open, paxRecord, seal, writeShard } from "./archives.js";

/** The error with which opening a file and reading all of it ends. */
async function failure(path: string, schema?: Schema): Promise<{ code: string; message: string }> {
  try {
    readAll(await open(path, schema));
  } catch (error) {
    if (isMillraceError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: "no error", message: "" };
}

const text: Schema = { fields: [{ name: "txt", kind: "string" }] };
const sound = member("0.txt", "text");

describe("a tar file whose sizes claim", () => {
  const sizes: [string, Uint8Array][] = [
    ["exabytes in base 256", member("1.txt", "x", { size: base256(2n ** 60n) })],
    ["the largest number in base 256", member("1.txt", "x", { size: Buffer.from([0x80, ...Buffer.alloc(11, 255)]) })],
    ["8 GiB in octal", member("1.txt", "x", { size: "77777777777\0" })],
    [
      "more than there is in an extended header",
      member("1.txt", paxRecord("path", "1.txt"), { type: "x", size: "00007777777\0" }),
    ],
  ];
  it.each(sizes)("%s ends in a typed error before memory is taken", async (_, bytes) => {
    const { code, message } = await failure(archiveOf(sound, bytes), text);
    expect(["CORRUPT_SHARD", "UNSUPPORTED"]).toContain(code);
    expect(message).toMatch(/byte 1024: (a member passes the end of the file|an extended header has)/u);
  });

  it("exabytes in a pax record ends in a typed error", async () => {
    const path = archiveOf(
      sound,
      member("pax", paxRecord("size", "9".repeat(19)), { type: "x" }),
      member("1.txt", "x"),
    );
    expect(await failure(path)).toMatchObject({ code: "CORRUPT_SHARD" });
  });

  it("nothing readable is damaged", async () => {
    for (const size of [Buffer.alloc(12, 255), "9999999999\0", "-0000000001\0", "0x10\0"])
      expect(await failure(archiveOf(sound, member("1.txt", "x", { size })))).toMatchObject({
        code: "CORRUPT_SHARD",
        message: expect.stringContaining("byte 1024: a header is damaged") as string,
      });
  });
});

describe("extended headers", () => {
  it("that follow each other without end are refused, as no member has so many; of a few the last one counts", async () => {
    const long = member("././@LongLink", "2.txt\0", { type: "L" });
    const chain = Array.from({ length: 10_000 }, () => long);
    expect(await failure(archiveOf(sound, ...chain, member("1.txt", "x")), text)).toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(
        /byte \d+: a member has too many extended headers; expected at most 16/u,
      ) as string,
    });
    const reader = await open(archiveOf(...chain.slice(0, 15), member("1.txt", "x")), text);
    expect(reader.read(0)).toEqual(new Map([["txt", "x"]]));
  });

  it("without a member behind them mean nothing", async () => {
    const reader = await open(archiveOf(sound, member("././@LongLink", "2.txt\0", { type: "L" })), text);
    expect(reader.length).toBe(1);
  });

  const damaged = [
    "",
    "9",
    "5 a=b",
    "99 path=x\n",
    "0 path=x\n",
    "7 pathx\n",
    "08 path=x\n",
    "-8 path=x\n",
    "8 path=xy",
    " path=x\n",
  ];
  it.each(damaged.slice(1))("that are damaged are told: %j", async (data) => {
    expect(await failure(archiveOf(member("pax", data, { type: "x" }), sound))).toMatchObject({
      code: "CORRUPT_SHARD",
      message: expect.stringContaining("an extended header is damaged") as string,
    });
  });

  it("that are empty say nothing", async () => {
    expect((await open(archiveOf(member("pax", "", { type: "x" }), sound))).length).toBe(1);
  });

  it("that make files sparse or set the size of all members are refused", async () => {
    const sparse = member("pax", paxRecord("GNU.sparse.major", "1"), { type: "x" });
    expect(await failure(archiveOf(sparse, sound))).toMatchObject({ code: "UNSUPPORTED" });
    const all = member("pax", paxRecord("size", "1"), { type: "g" });
    expect(await failure(archiveOf(all, sound))).toMatchObject({ code: "UNSUPPORTED" });
    const harmless = member("pax", paxRecord("comment", "made by hand"), { type: "g" });
    expect((await open(archiveOf(harmless, sound))).length).toBe(1);
  });
});

describe("a name that leads out of the archive", () => {
  const names: [string, Uint8Array][] = [
    ["../x.txt", member("../x.txt")],
    ["/x.txt", member("/x.txt")],
    ["a/..", member("a/..", "", { type: "5" })],
    ["../y", member("../y", "", { type: "2" })],
    ["/p/x.txt", member("x.txt", "", { prefix: "/p" })],
    ["../z.txt", Buffer.concat([member("pax", paxRecord("path", "../z.txt"), { type: "x" }), member("0.txt")])],
    ["../l.txt", Buffer.concat([member("././@LongLink", "../l.txt\0", { type: "L" }), member("0.txt")])],
  ];
  it.each(names)("is refused by name: %s", async (name, bytes) => {
    const { code, message } = await failure(archiveOf(sound, bytes));
    expect(code).toBe("UNSUPPORTED");
    expect(message).toContain(`the member ${name} `);
  });

  it("is not one with dots in other places", async () => {
    const path = archiveOf(member("a..b/..c/0.txt", "x"), member("./1.txt", "y"));
    expect(readAll(await open(path)).map((sample) => sample.get("txt"))).toEqual(["x", "y"]);
  });

  it("cannot forge the terminal", async () => {
    const { message } = await failure(archiveOf(member("../\u001b[2Jx.txt")));
    expect(message).toContain("../\\x1b[2Jx.txt");
  });
});

function npy(header: string, data = "", version = "\x01\x00"): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from(`\x93NUMPY${version}`, "latin1"), length, Buffer.from(header + data, "latin1")]);
}

function tensor(dtype: Dtype, shape: number[], name = "npy"): Schema {
  return { fields: [{ name, kind: "tensor", dtype, shape }] };
}

async function expectFailure(bytes: Uint8Array, problem: string): Promise<void> {
  const path = archiveOf();
  writeFileSync(path, bytes);
  const message = expect.stringContaining(problem) as string;
  expect(await failure(path)).toMatchObject({ code: "CORRUPT_SHARD", message });
}

/** A member of one text, whose name is this byte. */
function named(byte: number): Buffer {
  const bytes = member("?.txt", String(byte));
  bytes.writeUInt8(byte, 0);
  return Buffer.concat([seal(bytes.subarray(0, 512)), bytes.subarray(512)]);
}

describe("a member that is not what the schema says", () => {
  const good = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n";
  const pair = tensor("int16", [2]);
  const cases: [string, Schema, Uint8Array, RegExp][] = [
    ["is no number", tensor("int32", [], "label"), member("0.cls", "cat"), /digits of an int32, found cat/u],
    ["is empty", tensor("int32", [], "label"), member("0.cls"), /digits of an int32, found $|found ;/u],
    ["is too large a number", tensor("int8", [], "label"), member("0.cls", "200"), /digits of an int8, found 200/u],
    ["is below zero", tensor("uint64", [], "label"), member("0.cls", "-1"), /digits of an uint64, found -1/u],
    ["is a fraction", tensor("int8", [], "label"), member("0.cls", "1.5"), /found 1\.5/u],
    ["is a novel", tensor("int8", [], "label"), member("0.cls", "1".repeat(100)), /at most 64 bytes, found 100/u],
    ["is no UTF-8", text, member("0.txt", Uint8Array.of(0xff)), /field txt: the text is not UTF-8/u],
    ["is there twice", text, Buffer.concat([sound, member("0.txt", "x")]), /has several members for it/u],
    ["is not there", text, member("0.jpg"), /has no member for it/u],
    ["is a stub", pair, member("0.npy", "\x93NUMPY"), /has \d+ bytes, too few/u],
    ["is no array", pair, member("0.npy", "this is no array"), /is no \.npy file/u],
    ["is of version 9", pair, member("0.npy", npy(good, "1234", "\x09\x00")), /is no \.npy file/u],
    ["has a header past its end", pair, member("0.npy", npy(good).subarray(0, 30)), /has a \.npy header of \d+ bytes/u],
    [
      "has a header of 4 GiB",
      pair,
      member("0.npy", Buffer.concat([Buffer.from("\x93NUMPY\x02\x00", "latin1"), Buffer.alloc(9, 255)])),
      /\.npy header of 4294967307 bytes/u,
    ],
    ["has too few elements", pair, member("0.npy", npy(good, "12")), /has 2 bytes of elements, its shape \[2\] has 4/u],
    ["has too many elements", pair, member("0.npy", npy(good, "12345")), /has 5 bytes of elements/u],
    [
      "has exabytes of elements",
      pair,
      member("0.npy", npy(good.replace("2,", "9007199254740991,"))),
      /has a \.npy header|has 0 bytes/u,
    ],
    [
      "is of another dtype",
      pair,
      member("0.npy", npy(good.replace("i2", "u2"), "1234")),
      /expected int16 \[2\], found uint16 \[2\]/u,
    ],
    [
      "is of another shape",
      pair,
      member("0.npy", npy(good.replace("2,)", "1, 2)"), "1234")),
      /expected int16 \[2\], found int16 \[1, 2\]/u,
    ],
    [
      "is code",
      pair,
      member("0.npy", npy(good.replace("(2,)", "(__import__('os'),)"), "1234")),
      /not little-endian numbers/u,
    ],
    ["is pickled", pair, member("0.npy", npy(good.replace("<i2", "|O"), "1234")), /not little-endian numbers/u],
  ];
  it.each(cases)("as it %s is named", async (_, schema, bytes, message) => {
    const found = await failure(archiveOf(bytes), schema);
    expect(found.message).toMatch(message);
    expect(found.code).toBe("CORRUPT_SHARD");
  });

  it("takes the extents of all, as reading tells which sample is wrong", async () => {
    const array = (n: number): Buffer => member(`${n}.npy`, npy(good, "1234"));
    const path = archiveOf(array(0), array(1), member("2.npy", npy(good.replace("i2", "u2"), "1234")), array(3));
    const reader = await open(path, pair);
    expect(reader.extents("npy")).toBeUndefined();
    expect(reader.readField(3, "npy")).toEqual(Int16Array.of(0x3231, 0x3433));
    expect(() => reader.readField(2, "npy")).toThrow(/sample 2, field npy: is another array/u);
  });
});

describe("a shard of ours", () => {
  const schema: Schema = { fields: [{ name: "key", kind: "string" }] };
  const samples = ["a", "b", "c"].map((key) => new Map([["key", key]]));

  it("that was never finished, cut, joined or added to says so", async () => {
    const whole = readFileSync(await writeShard(schema, samples));
    const end = whole.length - 1024;
    await expectFailure(Buffer.concat([whole.subarray(0, end - 1024), Buffer.alloc(1024)]), "expected 3, found 2");
    await expectFailure(
      Buffer.concat([whole.subarray(0, end), member("3.key.txt", "d"), Buffer.alloc(1024)]),
      "expected 3, found 4",
    );
    await expectFailure(Buffer.concat([whole, whole]), "does not end as it should");
    await expectFailure(Buffer.concat([whole.subarray(0, -1), Buffer.from("x")]), "does not end as it should");
    await expectFailure(
      Buffer.from(whole.toString("latin1").replace(/samples=\d+/u, `samples=${"-".repeat(16)}`), "latin1"),
      "never finished",
    );
    await expectFailure(
      Buffer.from(whole.toString("latin1").replace("kind", "kond"), "latin1"),
      "the header of the shard is damaged",
    );
    for (const name of ["samples", "crc32c", "attributes"]) {
      await expectFailure(
        Buffer.from(whole.toString("latin1").replace(`MILLRACE.${name}`, `millrace.${name}`), "latin1"),
        "the header of the shard is damaged",
      );
    }
  });
});

describe("a tar file of other times and places", () => {
  it("is read when it is of version 7, of GNU, or has a prefix", async () => {
    const v7 = member("0.txt", "a", { magic: "\0\0\0\0\0\0\0\0", type: "\0" });
    const gnu = member("1.txt", "b", { magic: "ustar  \0", size: base256(1n), prefix: "not a prefix" });
    const spaces = member("2.txt", "c", { size: "          1 " });
    const prefixed = member("0.txt", "d", { prefix: "p" });
    const path = archiveOf(v7, gnu, spaces, prefixed);
    expect(readAll(await open(path)).map((sample) => sample.get("txt"))).toEqual(["a", "b", "c", "d"]);
  });

  it("is read past what belongs to no sample", async () => {
    const others = ["1", "2", "3", "4", "5", "6", "V", "A"].map((type) => member("x.txt", "", { type }));
    const path = archiveOf(
      ...others,
      member("README", "x"),
      sound,
      member("d/", "", { type: "\0" }),
      member("K", "x", { type: "K" }),
    );
    expect(readAll(await open(path))).toEqual([new Map([["txt", "text"]])]);
  });

  it("tells names apart that are no UTF-8", async () => {
    expect((await open(archiveOf(named(0xfe), named(0xff)))).length).toBe(2);
  });

  it("is refused when it is compressed, with the name of the compression", async () => {
    for (const [name, magic] of [
      ["bzip2", "BZh9"],
      ["xz", "\u00fd7zXZ"],
      ["zstd", "\x28\xb5\x2f\xfd"],
    ] as const) {
      const path = archiveOf();
      writeFileSync(path, Buffer.concat([Buffer.from(magic, "latin1"), Buffer.alloc(600)]));
      expect((await failure(path)).message).toContain(`compressed by ${name}`);
    }
  });
});
