import { crc32c, isMillraceError, OptionError } from "@millrace/formats";
import { count, SEED, tempDir } from "@millrace/testkit";
import {
  loadPackedModel,
  packedStreams,
  packModel,
  readPackedModel,
  unpackModel,
  writePackedModel,
  type CodebookWeights,
  type QuantizedModel,
  type QuantizedTensor,
} from "@millrace/train/compress";
import * as fc from "fast-check";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { describe, expect, it } from "vitest";
import { millraceError } from "../../rejection.js";
import { tensors } from "../random-tensors.js";

const modelTopology = { class_name: "Sequential", config: { layers: [] } };

/** The bits of all arrays, so that 0 and -0 differ. */
function bitsOf(tensor: QuantizedTensor): unknown {
  return Object.entries(tensor)
    .map(([key, value]: [string, unknown]) => {
      if (!ArrayBuffer.isView(value)) return [key, value];
      return [
        key,
        value.constructor.name,
        Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex"),
      ];
    })
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

function withUniqueNames(weights: readonly QuantizedTensor[]): QuantizedModel {
  return { modelTopology, weights: weights.map((tensor, index) => ({ ...tensor, name: `${index}${tensor.name}` })) };
}

/** A file of these parts with a right checksum. */
function fileOf(
  header: unknown,
  body: Uint8Array,
  sizes: Partial<Record<"version" | "unpacked" | "body", number>> = {},
) {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const packed = typeof header === "string" || text.length < 4000 ? text : brotliCompressSync(text);
  const prefix = Buffer.alloc(24);
  prefix.write("MRPACKED");
  prefix.writeUInt32LE(sizes.version ?? 1, 8);
  prefix.writeUInt32LE(packed.length, 12);
  prefix.writeUInt32LE(sizes.unpacked ?? text.length, 16);
  prefix.writeUInt32LE(sizes.body ?? body.length, 20);
  return signed(Buffer.concat([prefix, packed, body]));
}

function signed(bytes: Uint8Array): Uint8Array {
  const end = Buffer.alloc(4);
  end.writeUInt32LE(crc32c(bytes));
  return Buffer.concat([bytes, end]);
}

/** The message of the StateError that these bytes end in. */
function refusalOf(bytes: Uint8Array, limits?: { maxWeights?: number }): string {
  try {
    unpackModel(bytes, "model.packed", limits);
  } catch (error) {
    if (isMillraceError(error, "STATE")) return error.message;
    throw error;
  }
  return "was accepted";
}

/** A sparse tensor of the size of a real layer, its zeros and codes at random. */
function sparseCodebook(length: number, share: number, bits: number): CodebookWeights {
  let state = 1;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const centroids = Float32Array.from({ length: 2 ** bits }, (_, i) => (i === 0 ? 0 : i - 2 ** (bits - 1)));
  const most = 2 ** bits - 1;
  const code = (): number => Math.min(most, 1 + Math.floor(((random() + random() + random()) / 3) * most));
  const codes = Uint8Array.from({ length }, () => (random() < share ? code() : 0));
  centroids[2 ** (bits - 1)] = 0.5;
  return { kind: "codebook", name: "dense/kernel", shape: [length], bits, centroids, codes };
}

/** Bytes that an ideal coder of independent numbers takes. */
function entropyBytes(numbers: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (const number of Array.from(numbers)) counts.set(number, (counts.get(number) ?? 0) + 1);
  const bits = [...counts.values()].map((n) => -n * Math.log2(n / numbers.length));
  return bits.reduce((sum, n) => sum + n, 0) / 8;
}

describe("a packed model", () => {
  it("comes back bit for bit, whatever its tensors are", () => {
    const property = fc.property(fc.array(tensors, { maxLength: 4 }), (list) => {
      const model = withUniqueNames(list);
      const bytes = packModel(model, { quality: 3 });
      const back = unpackModel(bytes);
      expect(back.weights.map(bitsOf)).toEqual(model.weights.map(bitsOf));
      expect(back.modelTopology).toEqual(modelTopology);
      expect(packModel(back, { quality: 3 })).toEqual(bytes);
    });
    fc.assert(property, { seed: SEED, numRuns: count(80, 10_000) });
  });

  it("takes little more than the entropy of its gaps and codes", () => {
    const tensor = sparseCodebook(200_000, 0.06, 4);
    const bytes = packModel({ modelTopology, weights: [tensor] });
    const told = tensor.codes.filter((code) => code !== 0);
    const share = told.length / tensor.codes.length;
    const gaps = (-tensor.codes.length * (share * Math.log2(share) + (1 - share) * Math.log2(1 - share))) / 8;
    const streams = new Map(packedStreams(bytes).map((stream) => [stream.stream, stream]));
    expect(streams.get("gaps")?.bytes).toBeLessThan(1.02 * gaps);
    expect(streams.get("values")?.bytes).toBeLessThan(1.02 * entropyBytes(told));
    expect(streams.get("values")?.unpackedBytes).toBe(told.length);
    const inAll = [...streams.values()].reduce((sum, stream) => sum + stream.bytes, 0);
    expect(bytes.length - inAll).toBeLessThan(300);
  });

  it("is refused by the packer if its parts do not fit each other", () => {
    const good = sparseCodebook(20, 0.5, 2);
    for (const [weights, words] of [
      [[good, good], "is the name of two tensors"],
      [[{ ...good, shape: [21] }], "has 20 codes where its shape and kind ask for 21"],
      [[{ ...good, centroids: Float32Array.of(0, 1) }], "has the code"],
      [[{ ...good, centroids: Float32Array.of(0, Number.NaN, 1, 2) }], "has the centroid 1 that is NaN"],
      [[{ ...good, name: "x".repeat(1001) }], "has a name of 1001 characters"],
    ] as const)
      expect(() => packModel({ modelTopology, weights })).toThrow(words);
    expect(() => packModel({ modelTopology, weights: [] }, { quality: 12 })).toThrow(OptionError);
  });
});

describe("the layout", () => {
  it("is that of docs/formats.md: a file made by hand byte for byte opens", () => {
    // Seven weights: 0 0 0 1.5 -2 0 -2, and a bias of float16 with 1 and -0.
    const header = {
      modelTopology,
      tensors: [
        {
          kind: "codebook",
          name: "a/kernel",
          shape: [7],
          bits: 2,
          centroids: 3,
          nonZeros: 3,
          gapBytes: 3,
          streams: [12, 3, 3],
        },
        { kind: "float16", name: "a/bias", shape: [2], streams: [4] },
      ],
    };
    // Planes of the centroids 0, 1.5 = 0x3fc00000, -2 = 0xc0000000; gaps; codes; planes of the bias 0x3c00, 0x8000.
    const centroids = [0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0x3f, 0xc0];
    const body = Uint8Array.from([centroids, [3, 0, 1], [1, 2, 2], [0, 0, 0x3c, 0x80]].flat());
    const [kernel, bias] = unpackModel(fileOf(header, body)).weights;
    expect(kernel).toEqual({
      kind: "codebook",
      name: "a/kernel",
      shape: [7],
      bits: 2,
      centroids: Float32Array.of(0, 1.5, -2),
      codes: Uint8Array.of(0, 0, 0, 1, 2, 0, 2),
    });
    expect(bias).toEqual({ kind: "float16", name: "a/bias", shape: [2], data: Uint16Array.of(0x3c00, 0x8000) });
  });
});

describe("a hostile file", () => {
  const small = packModel({
    modelTopology,
    weights: [
      { ...sparseCodebook(40, 0.2, 2), name: "a" },
      {
        kind: "int8",
        name: "b",
        shape: [2, 2],
        data: Int8Array.of(1, 2, 3, 4),
        scales: Float32Array.of(1, 2),
        axis: 1,
      },
    ],
  });

  it("ends in a StateError wherever it is truncated, and whichever bit flips", () => {
    expect(refusalOf(small)).toBe("was accepted");
    for (let length = 0; length < small.length; length++)
      expect(refusalOf(small.subarray(0, length)), `${length} bytes`).toMatch(/truncated|no packed model/u);
    for (let bit = 0; bit < small.length * 8; bit++) {
      const flipped = Uint8Array.from(small);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(refusalOf(flipped), `bit ${bit}`).not.toBe("was accepted");
    }
  });

  it("ends in a StateError or in other weights if a flipped bit has a right checksum", () => {
    let accepted = 0;
    for (let bit = 64; bit < (small.length - 4) * 8; bit += count(3, 1)) {
      const flipped = Uint8Array.from(small.subarray(0, -4));
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      if (refusalOf(signed(flipped)) === "was accepted") accepted++;
    }
    expect(accepted).toBeGreaterThan(0);
  });

  it("of a newer version says so, and one of another kind that it is no packed model", () => {
    expect(refusalOf(fileOf({}, new Uint8Array(0), { version: 2 }))).toContain(
      "model.packed: is of a newer version; expected 1, found 2; update millrace",
    );
    expect(refusalOf(fileOf({}, new Uint8Array(0), { version: 0 }))).toContain("is of an unknown version");
    expect(refusalOf(Buffer.from("PK\u0003\u0004 something else entirely"))).toContain("is no packed model");
    expect(refusalOf(Buffer.concat([small, Buffer.alloc(1)]))).toContain("is longer than it says");
  });

  const dense = { kind: "float32", name: "w", shape: [2], streams: [8] };
  const sparse = { kind: "float32", name: "w", shape: [9], nonZeros: 1, gapBytes: 1, streams: [1, 4] };
  const codebook = { kind: "codebook", name: "w", shape: [2], bits: 1, centroids: 2, streams: [8, 2] };

  it.each<[string, unknown, Uint8Array, string]>([
    ["no JSON", "{", new Uint8Array(0), "is not JSON"],
    ["no topology", { tensors: [] }, new Uint8Array(0), "does not fit: modelTopology"],
    ["an unknown kind", { modelTopology, tensors: [{ ...dense, kind: "int3" }] }, new Uint8Array(8), "does not fit"],
    ["a negative extent", { modelTopology, tensors: [{ ...dense, shape: [-2] }] }, new Uint8Array(8), "does not fit"],
    ["a tensor twice", { modelTopology, tensors: [dense, dense] }, new Uint8Array(16), "the tensor w is there twice"],
    [
      "a stream too few",
      { modelTopology, tensors: [{ ...dense, streams: [] }] },
      new Uint8Array(8),
      "has 0 streams, not 1",
    ],
    ["a longer stream", { modelTopology, tensors: [{ ...dense, streams: [9] }] }, new Uint8Array(9), "longer packed"],
    ["a shorter body", { modelTopology, tensors: [dense] }, new Uint8Array(4), "do not fill it"],
    [
      "a stream that is no Brotli",
      { modelTopology, tensors: [{ ...dense, streams: [7] }] },
      new Uint8Array(7),
      "does not unpack",
    ],
    [
      "more numbers than weights",
      { modelTopology, tensors: [{ ...sparse, nonZeros: 10 }] },
      new Uint8Array(5),
      "has 10 numbers among 9",
    ],
    [
      "half of the zeros",
      { modelTopology, tensors: [{ ...sparse, gapBytes: undefined }] },
      new Uint8Array(5),
      "by half",
    ],
    [
      "too many gaps",
      { modelTopology, tensors: [{ ...sparse, gapBytes: 2, streams: [2, 4] }] },
      new Uint8Array(6),
      "has gaps of 2 bytes",
    ],
    [
      "a gap beyond the end",
      { modelTopology, tensors: [sparse] },
      Uint8Array.of(9, 0, 0, 0, 0),
      "gaps that do not fit",
    ],
    [
      "numbers that are not finite",
      { modelTopology, tensors: [dense] },
      new Uint8Array(8).fill(255),
      "weight 0 that is NaN",
    ],
    [
      "a code without a centroid",
      { modelTopology, tensors: [codebook] },
      new Uint8Array(10).fill(3, 8),
      "has the code 3",
    ],
    [
      "zeros without a centroid of 0",
      { modelTopology, tensors: [{ ...codebook, nonZeros: 1, gapBytes: 1, streams: [8, 1, 1] }] },
      Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 0, 0),
      "has no centroid of 0",
    ],
    [
      "an axis that is not there",
      { modelTopology, tensors: [{ ...dense, kind: "int8", isAffine: false, axis: 1 }] },
      new Uint8Array(8),
      "no such axis",
    ],
  ])("that has %s is refused", (_, header, body, words) => {
    expect(refusalOf(fileOf(header, body))).toContain(words);
  });

  it("takes no memory for sizes that lie: they are checked against limits, and streams do not unpack beyond them", () => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
    const bomb = brotliCompressSync(new Uint8Array(2 ** 26), { params });
    const zeros = { kind: "float16", name: "w", shape: [2 ** 40], streams: [bomb.length] };
    expect(refusalOf(fileOf({ modelTopology, tensors: [zeros] }, bomb))).toContain(
      "has too many weights; expected at most",
    );
    const few = { ...zeros, shape: [100_000] };
    const before = process.memoryUsage.rss();
    expect(refusalOf(fileOf({ modelTopology, tensors: [few] }, bomb))).toContain("does not unpack");
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 25);
    const wide = { kind: "int8", isAffine: false, axis: 1, name: "w", shape: [0, 2 ** 30], streams: [1, 0] };
    expect(refusalOf(fileOf({ modelTopology, tensors: [wide] }, new Uint8Array(1)))).toContain("has too many weights");
    expect(refusalOf(fileOf(`${" ".repeat(9)}{}`, new Uint8Array(0), { unpacked: 2 ** 31 }))).toContain("too long");
    const book = { kind: "product", vectorLength: 64, centroids: 1024, name: "w", shape: [1], streams: [1, 1] };
    const books = { modelTopology, tensors: [book, { ...book, name: "v" }] };
    expect(refusalOf(fileOf(books, new Uint8Array(4)), { maxWeights: 100_000 })).toContain("has too many weights");
    const big = packModel({ modelTopology, weights: [sparseCodebook(5000, 0.1, 2)] });
    expect(refusalOf(big, { maxWeights: 4999 })).toContain(
      "expected at most 4999, found 5004 and more; raise maxWeights",
    );
  });
});

describe("the file of a packed model", () => {
  const model: QuantizedModel = { modelTopology, weights: [sparseCodebook(100, 0.5, 3)] };

  it("makes its folder, replaces another packed model, and nothing else", async () => {
    const path = join(tempDir(), "new", "folder", "model.packed");
    expect(await writePackedModel(path, { ...model, weights: [] })).toBe(readFileSync(path).length);
    await writePackedModel(path, model);
    expect(await readPackedModel(path)).toEqual(model);
    writeFileSync(path, "{}");
    expect((await millraceError(writePackedModel(path, model))).message).toContain("is no packed model");
    expect(readFileSync(path, "utf8")).toBe("{}");
  });

  it("is named in errors: when it is missing, damaged, or holds what is no model", async () => {
    const path = join(tempDir(), "model.packed");
    const missing = await millraceError(readPackedModel(path));
    expect([missing.code, missing.message]).toEqual(["FILE", expect.stringContaining(path) as string]);
    writeFileSync(path, packModel(model).subarray(0, 50));
    const damaged = await millraceError(loadPackedModel(path));
    expect([damaged.code, damaged.message]).toEqual([
      "STATE",
      expect.stringContaining(`${path}: is truncated`) as string,
    ]);
    writeFileSync(path, packModel({ ...model, modelTopology: { class_name: "Nonsense", config: {} } }));
    const unknown = await millraceError(loadPackedModel(path));
    expect([unknown.code, unknown.message]).toEqual([
      "UNSUPPORTED",
      expect.stringContaining(`${path}: has a layer of the class Nonsense`) as string,
    ]);
  });
});
