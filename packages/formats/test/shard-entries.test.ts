import { manifestSchema } from "@millrace/formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isShardEntry, splitShards } from "../dist/shard-entries.js";

const entry = {
  path: "train/shard-00000.h5",
  samples: 2,
  bytes: 2072,
  crc32c: "0x01234567",
  index: { bytes: 64, crc32c: "0x89abcdef" },
};

const manifestOf = (shards: unknown): Record<string, unknown> => ({
  manifestVersion: 1,
  format: "hdf5",
  schema: { fields: [{ name: "label", kind: "string" }] },
  splits: [{ name: "train", samples: 0, classCounts: [], shards }],
  classes: [],
  statistics: null,
  provenance: { tool: "t", sourceKind: "s", options: {}, rejected: 0 },
  fingerprint: "0".repeat(64),
});

/** Values that a field of an entry may be found to have, right ones among them. */
const odd = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.5, 2 ** 53 - 1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY),
  fc.constantFrom("", "x", "0x01234567", "0x0123456G", "0x0123456", "0x01234567\n", "a".repeat(4096), "a".repeat(4097)),
  fc.constantFrom<unknown>(null, undefined, true, [], {}, [entry], entry.index, { ...entry.index, extra: 1 }),
  fc.string(),
);

describe("an entry of a shard", () => {
  it("is taken by hand exactly if the schema takes it", () => {
    const fields = fc.constantFrom(...Object.keys(entry), "index.bytes", "index.crc32c", "extra", "__proto__");
    fc.assert(
      fc.property(fields, fc.option(odd, { nil: "removed" }), (field, value) => {
        const changed = structuredClone(entry) as unknown as Record<string, Record<string, unknown>>;
        const [name = "", inner] = field.split(".");
        const target = inner === undefined ? changed : (changed["index"] as Record<string, unknown>);
        if (value === "removed") delete target[inner ?? name];
        else Object.defineProperty(target, inner ?? name, { value, enumerable: true, configurable: true });
        expect(isShardEntry(changed)).toBe(manifestSchema.safeParse(manifestOf([changed])).success);
      }),
      { numRuns: 1000 },
    );
  });

  it.each<unknown>([null, undefined, 1, "shard", [], [entry], () => entry])("is not %j", (value) => {
    expect(isShardEntry(value)).toBe(false);
    expect(splitShards(manifestOf([entry, value]))).toBeUndefined();
  });
});

describe("the lists of shards of a manifest", () => {
  it("are taken out of it, and the rest is left as it is", () => {
    const whole = manifestOf([entry]);
    expect(splitShards(whole)).toEqual({ rest: manifestOf([]), lists: [[entry]] });
    expect(whole).toEqual(manifestOf([entry]));
  });

  it.each<unknown>([
    null,
    1,
    [],
    {},
    { splits: {} },
    { splits: [null] },
    { splits: [{}] },
    { splits: [{ shards: {} }] },
  ])("are not looked for in %j", (value) => {
    expect(splitShards(value)).toBeUndefined();
  });
});
