import {
  bytesOf,
  byteLengthOf,
  checksumFile,
  elementsOf,
  endOf,
  offsetOf,
  sampleBytes,
  type Extents,
  type Field,
  type RaggedValue,
  type Sample,
  type SampleValue,
  type Schema,
} from "@millrace/formats";
import { count, SEED, tempDir } from "@millrace/testkit";
import {
  array,
  assert,
  asyncProperty,
  boolean,
  infiniteStream,
  integer,
  nat,
  string,
  tuple,
  uint8Array,
} from "fast-check";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  boxes,
  comparable,
  encoded,
  everyKind,
  formats,
  image,
  jpeg,
  key,
  label,
  samplesOf,
  schemas,
  sorted,
  write,
} from "./format-samples.js";

describe.each(formats)("the format $name", ({ name, format }) => {
  const extension = format.extensions[0];

  describe.each(schemas)("with %s", (_, fields) => {
    const schema: Schema = { fields };

    it.each([0, 1, 7, count(40, 400)])(
      "gives back %i samples, whether their number was known or not",
      async (length) => {
        const samples = samplesOf(schema, length);
        for (const expectedSamples of [undefined, length, length + 3]) {
          const path = join(tempDir(), `shard.${extension}`);
          const written = await write(name, path, { schema, expectedSamples }, samples);
          expect(written).toEqual(await checksumFile(path));
          // A TFRecord file without samples is empty: only the manifest knows its schema.
          const reader = await format.openReader(path, length === 0 ? { schema } : {});
          expect(reader.path).toBe(path);
          expect(reader.schema).toEqual(schema);
          expect(reader.length).toBe(length);
          for (const [row, sample] of samples.entries())
            expect(comparable(reader.read(row))).toEqual(comparable(sample));
          reader.close();
        }
      },
    );

    it("has the bytes of every sample at its extent", async () => {
      const path = join(tempDir(), `shard.${extension}`);
      const samples = samplesOf(schema, 37);
      await write(name, path, { schema, expectedSamples: 37 }, samples);
      const file = readFileSync(path);
      const reader = await format.openReader(path);
      const found = fields.map(({ name: field }) => [field, reader.extents(field)] as const);
      const plain = fields.filter((field) => !encoded[name](field));
      expect(plain.filter((field) => found[fields.indexOf(field)]?.[1] === undefined)).toEqual([]);
      for (const [field, extents] of found.filter((entry) => entry[1] !== undefined) as [string, Extents][]) {
        expect(extents.length).toBe(37);
        expect(endOf(extents)).toBeLessThanOrEqual(file.length);
        for (const [row, sample] of samples.entries()) {
          const at = offsetOf(extents, row);
          const bytes = file.subarray(at, at + byteLengthOf(extents, row));
          expect(bytes.equals(sampleBytes(sample.get(field) as SampleValue))).toBe(true);
        }
      }
      reader.close();
    });

    it("tells the shapes of all ragged values, and of no others", async () => {
      const path = join(tempDir(), `shard.${extension}`);
      const samples = samplesOf(schema, 37);
      await write(name, path, { schema, expectedSamples: 37 }, samples);
      const reader = await format.openReader(path);
      for (const field of fields) {
        const values = samples.map((sample) => sample.get(field.name) as RaggedValue);
        const expected = field.kind === "ragged" ? values.flatMap(({ shape }) => shape) : undefined;
        expect(reader.shapes(field.name)).toEqual(expected && Int32Array.from(expected));
      }
      reader.close();
    });

    it("has no extents, but no error either, without samples", async () => {
      const path = join(tempDir(), `shard.${extension}`);
      await write(name, path, { schema }, []);
      const reader = await format.openReader(path, { schema });
      for (const { name: field } of fields) expect(reader.extents(field)?.length ?? 0).toBe(0);
      reader.close();
    });
  });

  it("writes the same bytes for the same samples at another time, in another folder", async () => {
    const samples = samplesOf(everyKind, 29);
    const attributes = new Map([["millrace.classes", '["Hund","Käfer"]']]);
    const writeAll = async (): Promise<Buffer[]> => {
      const files: Buffer[] = [];
      for (const expectedSamples of [29, 31, undefined]) {
        const path = join(tempDir(), `shard-${files.length}.${extension}`);
        await write(name, path, { schema: everyKind, expectedSamples, attributes }, samples);
        files.push(readFileSync(path));
      }
      return files;
    };
    const before = await writeAll();
    await sleep(1100);
    const after = await writeAll();
    expect(before.map((file, i) => file.equals(after[i] as Buffer))).toEqual([true, true, true]);
  });

  it("keeps attributes of any text, long ones too", async () => {
    const attributes = new Map([
      ["millrace.classes", JSON.stringify(Array.from({ length: 20_000 }, (_, i) => `Käfer ${i}`))],
      ["empty", ""],
      ["__proto__", "spaces at the end  "],
      ...Array.from({ length: 12 }, (_, i) => [`a${i}`, `🐈${i}\n`] as const),
    ]);
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema: everyKind, attributes }, samplesOf(everyKind, 2));
    const reader = await format.openReader(path);
    expect(sorted(reader.attributes)).toEqual(sorted(attributes));
    reader.close();
  });

  it("gives back samples in which everything that can be is empty", async () => {
    const schema: Schema = { fields: [key, jpeg, boxes, label] };
    const empty: Sample = new Map<string, SampleValue>([
      ["key", ""],
      ["jpeg", new Uint8Array(0)],
      ["boxes", { data: new Float32Array(0), shape: [0, 0] }],
      ["label", Int32Array.of(0)],
    ]);
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema }, [empty, empty, empty]);
    const reader = await format.openReader(path);
    for (let row = 0; row < 3; row++) expect(comparable(reader.read(row))).toEqual(comparable(empty));
    reader.close();
  });

  it("keeps extents of zero beside others, and the largest and smallest of numbers", async () => {
    const fields: Field[] = [
      { name: "boxes", kind: "ragged", dtype: "float64", rank: 3 },
      { name: "numbers", kind: "tensor", dtype: "int64", shape: [3] },
      { name: "floats", kind: "tensor", dtype: "float32", shape: [6] },
    ];
    const bits = Uint32Array.of(0x8000_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0001, 1, 0xffff_ffff);
    const samples = [
      [2, 0, 3],
      [0, 0, 0],
      [1, 1, 0],
    ].map(
      (shape): Sample =>
        new Map<string, SampleValue>([
          ["boxes", { data: new Float64Array(0), shape }],
          ["numbers", BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -1n)],
          ["floats", new Float32Array(bits.buffer)],
        ]),
    );
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema: { fields } }, samples);
    const reader = await format.openReader(path);
    expect(reader.length).toBe(3);
    for (const [row, sample] of samples.entries()) expect(comparable(reader.read(row))).toEqual(comparable(sample));
    reader.close();
  });

  it("lies in folders and files whose names are of any language", async () => {
    const path = join(tempDir(), "Käfer 🐈 и ещё", `ロ-shard ä%20.${extension}`);
    mkdirSync(dirname(path));
    const samples = samplesOf(everyKind, 3);
    await write(name, path, { schema: everyKind }, samples);
    const reader = await format.openReader(path);
    for (const [row, sample] of samples.entries()) expect(comparable(reader.read(row))).toEqual(comparable(sample));
    reader.close();
  });

  it("gives back any string, bytes and shape", async () => {
    const schema: Schema = { fields: [key, jpeg, { name: "boxes", kind: "ragged", dtype: "int16", rank: 2 }] };
    const sample = tuple(
      string({ unit: "binary", maxLength: 40 }),
      uint8Array({ maxLength: 60 }),
      tuple(nat(4), nat(4)),
      infiniteStream(integer({ min: -32_768, max: 32_767 })),
    ).map(
      ([text, bytes, shape, values]): Sample =>
        new Map<string, SampleValue>([
          ["key", Buffer.from(text, "utf8").toString("utf8")],
          ["jpeg", bytes],
          [
            "boxes",
            { data: Int16Array.from({ length: elementsOf(shape) }, () => values.next().value as number), shape },
          ],
        ]),
    );
    await assert(
      asyncProperty(array(sample, { maxLength: 12 }), boolean(), async (samples, known) => {
        const path = join(tempDir(), `shard.${extension}`);
        await write(name, path, { schema, expectedSamples: known ? samples.length : undefined }, samples);
        const reader = await format.openReader(path, { schema });
        expect(reader.length).toBe(samples.length);
        for (const [row, one] of samples.entries()) expect(comparable(reader.read(row))).toEqual(comparable(one));
        reader.close();
      }),
      { seed: SEED, numRuns: count(15, 300) },
    );
  });

  it("takes samples whose memory is used again afterwards", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    const writer = await format.createWriter(path, { schema: { fields: [image, jpeg] } });
    const pixels = new Uint8Array(273);
    const bytes = new Uint8Array(5);
    for (let n = 0; n < 50; n++) {
      pixels.fill(n);
      bytes.fill(n + 1);
      await writer.write(
        new Map([
          ["image", pixels],
          ["jpeg", bytes],
        ]),
      );
    }
    await writer.finish();
    const reader = await format.openReader(path);
    for (let n = 0; n < 50; n++) {
      expect(reader.readField(n, "image")).toEqual(new Uint8Array(273).fill(n));
      expect(reader.readField(n, "jpeg")).toEqual(new Uint8Array(5).fill(n + 1));
    }
    reader.close();
  });

  it("gives values whose memory is the caller's", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema: everyKind }, samplesOf(everyKind, 3));
    const reader = await format.openReader(path);
    const before = comparable(reader.read(1));
    for (const value of reader.read(1).values()) {
      if (typeof value !== "string") bytesOf("shape" in value ? value.data : value).fill(0xee);
    }
    expect(comparable(reader.read(1))).toEqual(before);
    reader.close();
  });
});
