import { openFormat } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
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
const DATASET = 1024;
const TREE = 2048;
const DATA = 4096;

function saved(file: Buffer, size?: number): string {
  const path = join(tempDir(), "built.h5");
  writeFileSync(path, file);
  if (size !== undefined) truncateSync(path, size);
  return path;
}

/** A file with one dataset `image`. */
function withDataset(messages: readonly [number, Buffer][], parts: readonly [number, Buffer][] = []): Buffer {
  return buildFile(header([noOtherLinks, link("image", DATASET)]), [[DATASET, header(messages)], ...parts]);
}

/** A node of a version 1 tree of chunks of a dataset of rank 1: first element and address of each. */
function chunkNode(level: number, chunks: readonly { start: number; address: number; bytes: number }[]): Buffer {
  const entries = chunks.map(({ start, address, bytes }) => pack([4, bytes], [4, 0], [8, start], [8, 0], [8, address]));
  return pack("TREE", [1, 1], [1, level], [2, chunks.length], [8, -1], [8, -1], ...entries);
}

async function failure(path: string): Promise<{ code: string; message: string }> {
  try {
    const reader = await hdf5.openReader(path);
    reader.read(0);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("no error");
}

describe("a file built by hand", () => {
  it("is read: elements in one run", async () => {
    const path = saved(withDataset([space(3, 2), unsigned(1), contiguous(DATA, 6)], [[DATA, Buffer.from("abcdef")]]));
    const reader = await hdf5.openReader(path);
    expect(reader.schema.fields).toEqual([{ name: "image", kind: "tensor", dtype: "uint8", shape: [2] }]);
    expect(reader.readField(2, "image")).toEqual(new Uint8Array(Buffer.from("ef")));
    reader.close();
  });

  it("is read: elements in chunks, the last of them beyond the end", async () => {
    const tree = chunkNode(0, [
      { start: 0, address: DATA, bytes: 2 },
      { start: 2, address: DATA + 8, bytes: 2 },
    ]);
    const file = withDataset(
      [space(3), unsigned(1), chunked(TREE, 1, 2)],
      [
        [TREE, tree],
        [DATA, Buffer.from("ab------cd")],
      ],
    );
    const reader = await hdf5.openReader(saved(file));
    expect([0, 1, 2].map((row) => reader.readField(row, "image"))).toEqual(
      [...Buffer.from("abc")].map((n) => Uint8Array.of(n)),
    );
    expect(reader.extents("image")).toMatchObject({
      kind: "table",
      offsets: Float64Array.of(DATA, DATA + 1, DATA + 8),
    });
    reader.close();
  });
});

const cases: [string, () => string, string, RegExp][] = [
  [
    "an object header of 4 GiB in a file with holes",
    () => saved(buildFile(header([], 0xffff_fff0)), 2 ** 34),
    "UNSUPPORTED",
    /object header is too large/u,
  ],
  [
    "an object header that ends after the file",
    () => saved(buildFile(header([], 0xffff_fff0))),
    "CORRUPT_SHARD",
    /outside of the file/u,
  ],
  [
    "a continuation that continues itself",
    () => {
      const again: [number, Buffer] = [MESSAGE.continuation, pack([8, 512], [8, 32])];
      return saved(
        buildFile(header([again]), [
          [512, header([again]).subarray(16)],
          [600, Buffer.alloc(8)],
        ]),
      );
    },
    "CORRUPT_SHARD",
    /points in circles|too many continuations/u,
  ],
  [
    "an object header of a million messages",
    () => saved(buildFile(Buffer.concat([header([], 8_000_000), Buffer.alloc(8_000_000)]))),
    "CORRUPT_SHARD",
    /too many messages/u,
  ],
  [
    "more elements than the file has bytes",
    () => saved(withDataset([space(2 ** 40), unsigned(1), contiguous(DATA, 2 ** 40)], [[DATA, Buffer.alloc(8)]])),
    "CORRUPT_SHARD",
    /ends outside of the file/u,
  ],
  [
    "more elements than a number can count",
    () => saved(withDataset([space(2 ** 40, 2 ** 40), unsigned(1), contiguous(DATA, 8)])),
    "CORRUPT_SHARD",
    /too many elements/u,
  ],
  [
    "a dataset larger than its own place",
    () => saved(withDataset([space(9), unsigned(1), contiguous(DATA, 8)], [[DATA, Buffer.alloc(64)]])),
    "CORRUPT_SHARD",
    /larger than its place/u,
  ],
  [
    "a tree of chunks that points to itself",
    () => {
      const chunks = [{ start: 0, address: TREE, bytes: 2 }];
      return saved(
        withDataset(
          [space(4), unsigned(1), chunked(TREE, 1, 2)],
          [
            [TREE, chunkNode(1, chunks)],
            [DATA, Buffer.alloc(8)],
          ],
        ),
      );
    },
    "CORRUPT_SHARD",
    /wrong level/u,
  ],
  [
    "one chunk twice",
    () => {
      const chunks = [0, 0].map((start) => ({ start, address: DATA, bytes: 2 }));
      return saved(
        withDataset(
          [space(4), unsigned(1), chunked(TREE, 1, 2)],
          [
            [TREE, chunkNode(0, chunks)],
            [DATA, Buffer.alloc(8)],
          ],
        ),
      );
    },
    "CORRUPT_SHARD",
    /twice/u,
  ],
  [
    "chunks that share their bytes, to be more than the file",
    () => {
      const chunks = Array.from({ length: 20 }, (_, i) => ({ start: i * 4000, address: 0, bytes: 4000 }));
      return saved(
        withDataset(
          [space(80_000), unsigned(1), chunked(TREE, 1, 4000)],
          [
            [TREE, chunkNode(0, chunks)],
            [DATA, Buffer.alloc(8)],
          ],
        ),
      );
    },
    "CORRUPT_SHARD",
    /overlap/u,
  ],
  [
    "a quintillion chunks",
    () => saved(withDataset([space(2 ** 52), unsigned(1), chunked(TREE, 1, 1)])),
    "UNSUPPORTED",
    /too many or too large chunks/u,
  ],
  [
    "a row of 2^40 bytes that was never written",
    () => saved(withDataset([space(1, 2 ** 40), unsigned(1), contiguous(-1, 0)])),
    "UNSUPPORTED",
    /row of the dataset is too large/u,
  ],
  [
    "a chunk whose deflated stream never ends",
    () => {
      const stream = deflateSync(Buffer.alloc(100_000_000));
      const tree = chunkNode(0, [{ start: 0, address: DATA, bytes: stream.length }]);
      const filters: [number, Buffer] = [MESSAGE.filters, pack([1, 1], [1, 1], [6, 0], [2, 1], [2, 0], [2, 0], [2, 0])];
      return saved(
        withDataset(
          [space(4), unsigned(1), chunked(TREE, 1, 4), filters],
          [
            [TREE, tree],
            [DATA, stream],
          ],
        ),
      );
    },
    "CORRUPT_SHARD",
    /cannot be inflated/u,
  ],
  [
    "a filter of the library that makes room for 2^31 elements",
    () => {
      const tree = chunkNode(0, [{ start: 0, address: DATA, bytes: 8 }]);
      const parameters = [2, 0, 2 ** 31, 0, 1, 0, 0, 0].map((value): [number, number] => [4, value]);
      const filter = pack([1, 1], [1, 1], [6, 0], [2, 6], [2, 0], [2, 0], [2, parameters.length], ...parameters);
      const messages: [number, Buffer][] = [space(4), unsigned(1), chunked(TREE, 1, 4), [MESSAGE.filters, filter]];
      return saved(
        withDataset(messages, [
          [TREE, tree],
          [DATA, Buffer.alloc(8)],
        ]),
      );
    },
    "CORRUPT_SHARD",
    /filter 6 is not for these chunks/u,
  ],
  [
    "sixty datasets of a million chunks that were never written",
    () => {
      const links = Array.from({ length: 60 }, (_, n) => link(`d${n}`, DATASET + 128 * 60));
      const dataset = header([space(2 ** 20 - 1), unsigned(1), chunked(-1, 1, 1)]);
      return saved(buildFile(header([noOtherLinks, ...links]), [[DATASET + 128 * 60, dataset]]));
    },
    "UNSUPPORTED",
    /too many or too large chunks/u,
  ],
  [
    "one chunk that would become 128 MiB",
    () => saved(withDataset([space(1, 2 ** 27), unsigned(1), chunked(-1, 1, 1, 2 ** 27)])),
    "UNSUPPORTED",
    /a row of the dataset is too large/u,
  ],
  [
    "a row that is a part of a chunk that would become 128 MiB",
    () => saved(withDataset([space(2, 2), unsigned(1), chunked(-1, 1, 2 ** 26, 2)])),
    "UNSUPPORTED",
    /too many or too large chunks/u,
  ],
  [
    "a member that is a dataset without elements' type",
    () => saved(withDataset([space(4), contiguous(DATA, 4)])),
    "CORRUPT_SHARD",
    /lacks a message/u,
  ],
  ["an end after the end", () => saved(buildFile(header([noOtherLinks]), [], 10_000)), "CORRUPT_SHARD", /cut off/u],
  ["nothing in it", () => saved(buildFile(header([noOtherLinks]))), "UNSUPPORTED", /no dataset of samples/u],
];

describe("a hostile file", () => {
  it.each(cases)("with %s ends at once in a typed error", async (_, make, code, text) => {
    const path = make();
    const before = process.memoryUsage();
    const error = await failure(path);
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) as string });
    expect(error.message).toContain(path);
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(80 * 2 ** 20);
  });

  it("that a schema contradicts is corrupt", async () => {
    const text = '{"fields":[{"name":"image","kind":"tensor","dtype":"uint8","shape":[3]}]}';
    const type = pack([1, 0x13], [3, 0], [4, text.length]);
    const attribute = pack([1, 1], [1, 0], [2, 16], [2, 8], [2, 8], "millrace.schema\0", type, space()[1], text);
    const dataset = header([space(4, 2), unsigned(1), contiguous(DATA, 8)]);
    const root = header([noOtherLinks, link("image", DATASET), [MESSAGE.attribute, attribute]]);
    const error = await failure(
      saved(
        buildFile(root, [
          [DATASET, dataset],
          [DATA, Buffer.alloc(8)],
        ]),
      ),
    );
    expect(error).toMatchObject({
      code: "CORRUPT_SHARD",
      message: expect.stringContaining("uint8 [N, 3], found image: uint8 [4, 2]") as string,
    });
  });
});
