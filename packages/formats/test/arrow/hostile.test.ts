import { isMillraceError, openFormat } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { Endianness } from "apache-arrow/fb/endianness";
import { MetadataVersion } from "apache-arrow/fb/metadata-version";
import { Type } from "apache-arrow/fb/type";
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { circularFooter, fileOf, footerOf, int32 } from "./build-footer.js";
import { writeEveryKind } from "./every-kind.js";

const arrow = await openFormat("arrow");

/** The code and text of the error that opening these bytes ends in. */
async function failureOf(bytes: Uint8Array): Promise<string> {
  const path = join(tempDir(), "hostile.arrow");
  writeFileSync(path, bytes);
  try {
    (await arrow.openReader(path)).close();
    return "none";
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return `${error.code}: ${error.message.replace(path, "")}`;
  }
}

describe("an Arrow file that is not one", () => {
  it.each([
    ["nothing", new Uint8Array(0), /CORRUPT_SHARD: : the file is empty/],
    [
      "one byte",
      Buffer.from("A"),
      /is not an Arrow file; expected ARROW1 as its first bytes, or a stream of Arrow messages, found A/,
    ],
    ["its magic alone", Buffer.from("ARROW1"), /the file is cut off/],
    ["twice its magic", Buffer.from("ARROW1ARROW1"), /the file is cut off/],
    ["head and tail without a footer", fileOf(new Uint8Array(0)), /the footer lies outside of the file/],
    [
      "a footer of zeros",
      fileOf(new Uint8Array(4)),
      /has another version of Arrow's metadata|points outside of itself/,
    ],
    ["a footer of ones", fileOf(new Uint8Array(64).fill(255)), /points outside of itself/],
  ])("is named as what it is: %s", async (_, bytes, text) => {
    expect(await failureOf(bytes)).toMatch(text);
  });

  it.each([-1, 0, 2 ** 31 - 1, -(2 ** 31)])("has a footer of %i bytes", async (length) => {
    const bytes = fileOf(footerOf({}));
    bytes.set(int32(length), bytes.length - 10);
    expect(await failureOf(bytes)).toMatch(/CORRUPT_SHARD: , byte \d+: the footer lies outside of the file/);
  });
});

describe("a footer that is a trap", () => {
  it("is larger than any that is worth reading", async () => {
    const path = join(tempDir(), "large.arrow");
    writeFileSync(path, fileOf(new Uint8Array(0)));
    truncateSync(path, 2 ** 27);
    const tail = Buffer.concat([int32(2 ** 26 + 1), Buffer.from("ARROW1")]);
    const fd = openSync(path, "r+");
    writeSync(fd, tail, 0, tail.length, 2 ** 27 - tail.length);
    closeSync(fd);
    await expect(arrow.openReader(path)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(
        /metadata of this size is not read; expected at most 67108864 bytes, found/u,
      ) as string,
    });
  });

  it("is read when it is none", async () => {
    expect(await failureOf(fileOf(footerOf({})))).toBe("none");
  });

  it("without a schema is damaged", async () => {
    expect(await failureOf(fileOf(footerOf({ withoutSchema: true })))).toMatch(/CORRUPT.*the footer has no schema/);
  });

  it("of a big-endian machine is not read", async () => {
    const failure = await failureOf(fileOf(footerOf({ endianness: Endianness.Big })));
    expect(failure).toMatch(/UNSUPPORTED: : the file is big-endian/);
  });

  it.each([MetadataVersion.V1, MetadataVersion.V3])("of version %i of the metadata is not read", async (version) => {
    expect(await failureOf(fileOf(footerOf({ version })))).toMatch(/UNSUPPORTED: .*another version .* found [13]/);
  });

  it.each([
    ["before the file", [-8n, 64, 0n]],
    ["in the head", [0n, 64, 0n]],
    ["behind the file", [2n ** 62n, 64, 0n]],
    ["behind the body", [8n, 64, 1000n]],
    ["without metadata", [8n, 0, 0n]],
    ["with a body of negative length", [8n, 64, -16n]],
    ["with metadata of negative length", [80n, -64, 0n]],
  ] as [string, [bigint, number, bigint]][])("names a batch %s", async (_, block) => {
    const bytes = fileOf(footerOf({ blocks: [block] }), new Uint8Array(128));
    expect(await failureOf(bytes)).toMatch(/CORRUPT_SHARD: .*a message lies outside of the file/);
  });

  it("names one batch a hundred thousand times", async () => {
    const blocks = Array.from({ length: 100_000 }, (): [bigint, number, bigint] => [8n, 65_528, 0n]);
    expect(await failureOf(fileOf(footerOf({ blocks }), new Uint8Array(65_536)))).toMatch(/messages overlap/);
  });

  it.each(["FixedSizeList", "List", "LargeList", "Struct_", "Map", "Union"] as const)(
    "has a field that is a %s of itself",
    async (type) => {
      expect(await failureOf(fileOf(circularFooter(Type[type])))).toMatch(
        /^(UNSUPPORTED|CORRUPT_SHARD): .*field a|list a/,
      );
    },
  );

  it("has thirty thousand fields that are one, with thirty thousand entries of metadata that are one", async () => {
    const footer = footerOf({ fields: 30_000, entries: 30_000 });
    expect(await failureOf(fileOf(footer))).toMatch(/CORRUPT_SHARD: .*the metadata points in circles/);
  });

  it("announces more elements of a vector than the file has bytes", async () => {
    const footer = footerOf({ entries: 7, blocks: [[8n, 64, 0n]] });
    const vectors = [...footer.keys()].filter((i) => i % 4 === 0 && [1, 7].includes(footer[i] as number));
    for (const at of vectors) {
      for (const length of [2 ** 31 - 1, -(2 ** 31), footer.length]) {
        const damaged = footer.slice();
        damaged.set(int32(length), at);
        expect(await failureOf(fileOf(damaged, new Uint8Array(64)))).toMatch(/^(CORRUPT_SHARD|UNSUPPORTED)/);
      }
    }
    expect(vectors.length).toBeGreaterThan(2);
  });
});

describe("a record batch that is a trap", () => {
  it("has offsets that descend or leave the values", async () => {
    const path = await writeEveryKind(8);
    const sound = readFileSync(path);
    const offsets = sound.indexOf(Buffer.from(Int32Array.of(0, 0, 5, 8, 9, 15).buffer));
    for (const value of [-1, 4, 1000, 2 ** 31 - 1, -(2 ** 31)]) {
      const damaged = Buffer.from(sound);
      damaged.writeInt32LE(value, offsets + 12);
      writeFileSync(path, damaged);
      const reader = await arrow.openReader(path);
      expect(() => reader.extents("jpeg")).toThrow(
        /sample 2, field jpeg, byte \d+: the offset of a value is wrong; expected 5 to 21/,
      );
      expect(() => reader.readField(0, "jpeg")).toThrow(/the offset of a value is wrong/);
      expect(reader.readField(1, "label")).toEqual(Int32Array.of(-2));
      reader.close();
    }
  });

  it("has a text that is not UTF-8", async () => {
    const path = await writeEveryKind(2);
    const damaged = readFileSync(path);
    damaged[damaged.indexOf("katze/0")] = 0xff;
    writeFileSync(path, damaged);
    const reader = await arrow.openReader(path);
    expect(() => reader.readField(0, "key")).toThrow(/sample 0, field key: the text is not UTF-8/);
    reader.close();
  });

  it("has an index that points outside of its dictionary", async () => {
    const damaged = readFileSync(
      fileURLToPath(new URL("../../../../fixtures/arrow/dictionary.arrow", import.meta.url)),
    );
    const path = join(tempDir(), "dictionary.arrow");
    const indices = damaged.indexOf(Uint8Array.of(2, 0, 1, 2, 0, 0, 0, 0));
    for (const index of [3, -1]) {
      damaged.writeInt8(index, indices);
      writeFileSync(path, damaged);
      const reader = await arrow.openReader(path);
      expect(() => reader.readField(6, "word")).toThrow(
        new RegExp(
          `sample 3, field word, byte \\d+: points outside of its dictionary; expected 0 to 2, found ${index};`,
          "u",
        ),
      );
      expect(reader.readField(6, "shade")).toBe("blue");
      reader.close();
    }
  });

  it("has a shape that its elements do not fill", async () => {
    const path = await writeEveryKind(2);
    const damaged = readFileSync(path);
    const shape = damaged.indexOf(Buffer.from(Int32Array.of(0, 4, 1, 4).buffer)) + 8;
    for (const extent of [2, -1, 2 ** 31 - 1]) {
      damaged.writeInt32LE(extent, shape);
      writeFileSync(path, damaged);
      const reader = await arrow.openReader(path);
      expect(() => reader.readField(1, "boxes")).toThrow(/sample 1, field boxes: the shape does not fit the elements/);
      reader.close();
    }
  });
});
