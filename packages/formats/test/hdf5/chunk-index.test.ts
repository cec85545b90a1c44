import { isMillraceError, openFormat } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lookup3 } from "../../dist/hdf5/metadata/lookup3.js";
import {
  buildFile,
  chunked,
  contiguous,
  header,
  link,
  MESSAGE,
  noOtherLinks,
  pack,
  space,
  unsigned,
} from "./build-file.js";

const hdf5 = await openFormat("hdf5");
const DATASET = 256;
const INDEX = 600;
const DATA = 2048;
const UNLIMITED = -1;

function saved(messages: readonly [number, Buffer][], parts: readonly [number, Buffer][]): string {
  const path = join(tempDir(), "built.h5");
  const root = header([noOtherLinks, link("image", DATASET)]);
  writeFileSync(path, buildFile(root, [[DATASET, header(messages)], ...parts]));
  return path;
}

/** A dataspace message with its largest extents. */
function growingSpace(extents: readonly number[], largest: readonly number[]): [number, Buffer] {
  const fields = [...extents, ...largest].map((extent): [number, number] => [8, extent]);
  return [MESSAGE.dataspace, pack([1, 1], [1, extents.length], [1, 1], [5, 0], ...fields)];
}

/** A layout message of version 4 of chunks of one byte. */
function indexed(index: "implicit" | "extensible", chunkShape: readonly number[]): [number, Buffer] {
  const extents = [...chunkShape, 1].map((extent): [number, number] => [8, extent]);
  const [number, parameters] = index === "implicit" ? [2, 0] : [4, 5];
  const head = pack([1, 4], [1, 2], [1, 0], [1, chunkShape.length + 1], [1, 8], ...extents, [1, number]);
  return [MESSAGE.layout, Buffer.concat([head, Buffer.alloc(parameters), pack([8, INDEX])])];
}

function withChecksum(block: Buffer): Buffer {
  return Buffer.concat([block, pack([4, lookup3(block)])]);
}

/** An extensible array of so many elements, of which none was written. */
function emptyArray(elements: number): [number, Buffer][] {
  const block = INDEX + 200;
  const shape = pack([1, 8], [1, 64], [1, 4], [1, 16], [1, 4], [1, 10]);
  const counts = pack([8, 0], [8, 0], [8, 0], [8, 0], [8, elements], [8, 0]);
  const undefinedAddresses = Buffer.alloc((4 + 63) * 8, 0xff);
  return [
    [INDEX, withChecksum(Buffer.concat([pack("EAHD", [2, 0]), shape, counts, pack([8, block])]))],
    [block, withChecksum(Buffer.concat([pack("EAIB", [2, 0], [8, INDEX]), undefinedAddresses]))],
  ];
}

async function values(path: string): Promise<unknown> {
  const reader = await hdf5.openReader(path);
  try {
    reader.extents("image");
    return Array.from({ length: reader.length }, (_, row) => [...(reader.readField(row, "image") as Uint8Array)]);
  } catch (error) {
    return isMillraceError(error) ? error.code : error;
  } finally {
    reader.close();
  }
}

describe("an index of chunks without their places", () => {
  it("is read one after the other, as many as the largest extents say", async () => {
    const path = saved(
      [growingSpace([2, 2], [3, 5]), unsigned(1), indexed("implicit", [1, 1])],
      [[INDEX, Buffer.from("ab---cd---")]],
    );
    expect(await values(path)).toEqual(["ab", "cd"].map((row) => [...Buffer.from(row)]));
  });

  it("of largest extents of 2^50 ends at once: the chunks lie outside of the file", async () => {
    const path = saved(
      [growingSpace([2, 2], [2, 2 ** 50]), unsigned(1), indexed("implicit", [1, 1])],
      [[INDEX, Buffer.from("ab")]],
    );
    await expect(hdf5.openReader(path)).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
  });

  it("of two unlimited extents is refused", async () => {
    for (const index of ["implicit", "extensible"] as const) {
      const path = saved(
        [growingSpace([2, 2], [UNLIMITED, UNLIMITED]), unsigned(1), indexed(index, [1, 1])],
        emptyArray(4),
      );
      await expect(hdf5.openReader(path)).rejects.toThrow(/two unlimited dimensions/u);
    }
  });

  it("that claims 2^52 chunks and has none ends at once: all are fill values", async () => {
    const path = saved(
      [growingSpace([3, 1], [UNLIMITED, 2 ** 50]), unsigned(1), indexed("extensible", [1, 1])],
      emptyArray(2 ** 52),
    );
    expect(await values(path)).toEqual([[0], [0], [0]]);
  });
});

/** An entry of a tree of chunks of a dataset of rank 1. */
function entry(start: number, address: number, bytes: number, mask: number): Buffer {
  return pack([4, bytes], [4, mask], [8, start], [8, 0], [8, address]);
}

/** A dataset of 4 bytes in two chunks of 2 with a checksum of 4 bytes, in a tree of version 1. */
function withChecksums(second: { bytes: number; mask: number }, data: Buffer): string {
  const fletcher32: [number, Buffer] = [MESSAGE.filters, pack([1, 2], [1, 1], [2, 3], [2, 0], [2, 0])];
  const entries = [entry(0, DATA, 6, 0), entry(2, DATA + 6, second.bytes, second.mask)];
  return saved(
    [space(4), unsigned(1), chunked(INDEX, 1, 2), fletcher32],
    [
      [INDEX, pack("TREE", [1, 1], [1, 0], [2, 2], [8, -1], [8, -1], ...entries)],
      [DATA, data],
    ],
  );
}

describe("chunks with a checksum", () => {
  /** Fletcher-32 of HDF5 (H5_checksum_fletcher32) of one word of two bytes: both sums are the word. */
  const chunk = Buffer.from([1, 2, 2, 1, 2, 1]);

  it("have extents if they are just as long as their elements and their checksum", async () => {
    const path = withChecksums({ bytes: 6, mask: 0 }, Buffer.concat([chunk, chunk]));
    expect(await values(path)).toEqual([[1], [2], [1], [2]]);
    const reader = await hdf5.openReader(path);
    expect(reader.extents("image")).toMatchObject({ kind: "table", offsets: Float64Array.of(2048, 2049, 2054, 2055) });
    reader.close();
  });

  it.each([
    ["are shorter, and are damaged", { bytes: 1, mask: 0 }, "CORRUPT_SHARD"],
    ["have none, and are read", { bytes: 2, mask: 1 }, [[1], [2], [1], [2]]],
  ])("have no extents if they %s", async (_, second, expected) => {
    const path = withChecksums(second, Buffer.concat([chunk, Buffer.from([1, 2]).subarray(0, second.bytes)]));
    const reader = await hdf5.openReader(path);
    expect(reader.extents("image")).toBeUndefined();
    reader.close();
    expect(await values(path)).toEqual(expected);
  });
});

describe("a run of bytes of 4 GiB", () => {
  it("has no extents that would be cut to 32 bits, and is not read", async () => {
    const [bytes, offsets] = [400, 600];
    const length = 2 ** 32 + 8;
    const group = header([noOtherLinks, link("bytes", bytes), link("offsets", offsets)]);
    const path = join(tempDir(), "long.h5");
    const signed: [number, Buffer] = [MESSAGE.datatype, pack([1, 0x10], [1, 8], [2, 0], [4, 8], [2, 0], [2, 64])];
    const file = buildFile(header([noOtherLinks, link("image", DATASET)]), [
      [DATASET, group],
      [bytes, header([space(length), unsigned(1), contiguous(DATA, length)])],
      [offsets, header([space(2), signed, contiguous(1000, 16)])],
      [1000, pack([8, 0], [8, length])],
    ]);
    writeFileSync(path, file);
    truncateSync(path, DATA + length);
    const schema = { fields: [{ name: "image", kind: "bytes", encoding: "none" }] } as const;
    const reader = await hdf5.openReader(path, { schema });
    const refused = expect.objectContaining({ code: "UNSUPPORTED" }) as Error;
    expect(() => reader.extents("image")).toThrow(refused);
    expect(() => reader.readField(0, "image")).toThrow(refused);
    reader.close();
  });
});
