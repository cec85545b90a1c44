import { textsOf, type BatchField } from "@millrace/loader";
import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LoadedBatch } from "../dist/batch.js";

/** A field of texts as it stands in a batch. */
function fieldOf(texts: readonly string[]): BatchField {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const width = Math.max(1, ...encoded.map((bytes) => bytes.length));
  const data = new Uint8Array(new SharedArrayBuffer(width * texts.length));
  for (const [i, bytes] of encoded.entries()) data.set(bytes, i * width);
  return { data, dtype: "uint8", shape: [texts.length, width] };
}

describe("textsOf", () => {
  it("gives back every text that has no zero in it", () => {
    const text = fc.string({ unit: "grapheme" }).map((value) => value.replaceAll("\0", ""));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 9 }), (texts) => {
        expect(textsOf(fieldOf(texts))).toEqual(texts);
      }),
      { seed: SEED },
    );
  });
});

describe("a batch", () => {
  it("holds fields under any name, as its record has no prototype", () => {
    const fields = Object.create(null) as Record<string, BatchField>;
    for (const name of ["__proto__", "constructor", "toString"]) fields[name] = fieldOf([name]);
    const stall = { stallMs: 0, fetchStallMs: 0, prepStallMs: 0 };
    const batch = new LoadedBatch({ epoch: 0, step: 0, size: 1, indices: Uint32Array.of(7), fields, stall });
    const copy = batch.copy();
    batch.expire();
    expect(Object.keys(copy.fields)).toEqual(["__proto__", "constructor", "toString"]);
    expect(textsOf(copy.fields["__proto__"] as BatchField)).toEqual(["__proto__"]);
    expect(copy.copy().indices).toEqual(Uint32Array.of(7));
    expect(() => batch.copy()).toThrow(/batch 0 of epoch 0 is over.*copy a batch before/u);
  });
});
