import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeCanonical } from "../dist/canonical-text.js";

function textOf(value: unknown): string {
  let text = "";
  writeCanonical(value, (piece) => {
    text += piece;
  });
  return text;
}

/** The same in the plainest way. */
function expected(value: unknown): string {
  const canonical = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(canonical);
    if (part === null || typeof part !== "object") return part;
    return Object.entries(part)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]);
  };
  return JSON.stringify(canonical(value));
}

const whole = fc.maxSafeNat();
const crc = fc.stringMatching(/^0x[0-9a-f]{8}$/u);
const shard = fc.record({
  path: fc.string({ minLength: 1, unit: "binary" }),
  samples: whole,
  bytes: whole,
  crc32c: crc,
  index: fc.record({ bytes: whole, crc32c: crc }),
});

describe("canonical text", () => {
  it("is that of any value, as the plainest code writes it", () => {
    const value = fc.anything({
      key: fc.oneof(fc.string(), fc.constantFrom("__proto__", "10", "9")),
      withSparseArray: true,
    });
    fc.assert(
      fc.property(value, (any) => {
        expect(textOf([any])).toBe(expected([any]));
      }),
      { numRuns: 500 },
    );
  });

  it("is that of shards, as the plainest code writes it, whatever their paths and however many", () => {
    const shards = fc.array(fc.oneof({ weight: 9, arbitrary: shard }, fc.anything()), { maxLength: 300 });
    fc.assert(
      fc.property(shards, (list) => {
        expect(textOf({ shards: list })).toBe(expected({ shards: list }));
      }),
      { numRuns: 100 },
    );
  });

  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.array(shard), (shards) => {
        const turned = shards.map((one) => Object.fromEntries(Object.entries(one).toReversed()));
        expect(textOf(turned)).toBe(textOf(shards));
      }),
      { numRuns: 50 },
    );
  });

  it("tells a list from an object, and every text from every other", () => {
    const texts = [{}, [], [[]], { a: 1 }, { b: 1 }, { a: [1] }, { a: "1" }, null, "null", -1, 1].map(textOf);
    expect(texts.slice(0, 2)).toEqual(["[]", "[]"]);
    expect(new Set(texts.slice(1)).size).toBe(texts.length - 1);
  });
});
