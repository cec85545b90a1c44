import { decodeShardIndex, encodeShardIndex, indexPathOf, readShardIndex, writeShardIndex } from "@millrace/formats";
import { SEED, tempDir } from "@millrace/testkit";
import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const small = encodeShardIndex({ samples: 3, columns: new Map([["crc32c/image", Uint32Array.of(1, 2, 3)]]) });

describe("a shard index", () => {
  it("lies beside its shard", () => {
    expect(indexPathOf("/d/train/shard-00001.h5")).toBe("/d/train/shard-00001.index");
    expect(indexPathOf("/d.x/train/shard.tar.gz")).toBe("/d.x/train/shard.tar.index");
  });

  it("gives back its columns of any dtype", () => {
    const column = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.uint32Array({ maxLength: 50 }),
      fc.int32Array({ maxLength: 50 }),
      fc.float64Array({ maxLength: 50, noNaN: true }),
      fc.bigInt64Array({ maxLength: 50 }),
    );
    fc.assert(
      fc.property(
        fc.nat(),
        fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), column, { maxKeys: 5 }),
        (samples, columns) => {
          const index = { samples, columns: new Map(Object.entries(columns)) };
          const decoded = decodeShardIndex(encodeShardIndex(index), "x.index");
          expect(decoded.samples).toBe(samples);
          expect([...decoded.columns]).toEqual([...index.columns]);
        },
      ),
      { seed: SEED },
    );
  });

  it("survives the way over the disk", async () => {
    const path = join(tempDir(), "a.index");
    const written = await writeShardIndex(path, { samples: 1, columns: new Map([["crc32c/key", Uint32Array.of(7)]]) });
    expect(written.bytes).toBeGreaterThan(16);
    expect((await readShardIndex(path)).columns.get("crc32c/key")).toEqual(Uint32Array.of(7));
  });

  it("notices every flipped bit", () => {
    for (let bit = 0; bit < small.length * 8; bit++) {
      const damaged = Uint8Array.from(small);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => decodeShardIndex(damaged, "x.index")).toThrow(/x\.index/u);
    }
  });

  it("notices truncation at every byte", () => {
    for (let length = 0; length < small.length; length++) {
      expect(() => decodeShardIndex(small.slice(0, length), "x.index")).toThrow(/x\.index/u);
    }
  });

  it("that is missing or empty is a typed error", async () => {
    const path = join(tempDir(), "a.index");
    await expect(readShardIndex(path)).rejects.toMatchObject({ code: "FILE" });
    writeFileSync(path, "");
    await expect(readShardIndex(path)).rejects.toMatchObject({ code: "CORRUPT_SHARD" });
  });
});
