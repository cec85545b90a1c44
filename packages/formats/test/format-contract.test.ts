import {
  bytesOf,
  byteLengthOf,
  createArray,
  DTYPES,
  elementsOf,
  endOf,
  FORMAT_NAMES,
  isMillraceError,
  offsetOf,
  openFormat,
  sampleBytes,
  type Extents,
  type Field,
  type FormatName,
  type Sample,
  type SampleValue,
  type Schema,
  type ShardWriterOptions,
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
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

/** Bytes that depend on the seed only. */
function noise(seed: number, length: number): Uint8Array {
  let state = seed * 2_654_435_761 + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
}

function valueOf(field: Field, n: number): SampleValue {
  switch (field.kind) {
    case "tensor": {
      const value = createArray(field.dtype, elementsOf(field.shape));
      bytesOf(value).set(noise(n, value.byteLength));
      return value;
    }
    case "ragged": {
      const shape = Array.from({ length: field.rank }, (_, axis) => (n * 3 + axis * 5) % 4);
      const data = createArray(field.dtype, elementsOf(shape));
      bytesOf(data).set(noise(n, data.byteLength));
      return { data, shape };
    }
    case "bytes":
      return noise(n, (n * 37) % 101);
    case "string":
      return n % 4 === 3 ? "" : `katze/${"ä".repeat(n % 9)}/${n}.🐈.jpg`;
  }
}

function samplesOf(schema: Schema, length: number): Sample[] {
  return Array.from(
    { length },
    (_, n) => new Map(schema.fields.map((field) => [field.name, valueOf(field, n)] as const)),
  );
}

const tensors = DTYPES.map((dtype): Field => ({ name: `t_${dtype}`, kind: "tensor", dtype, shape: [3, 5] }));
const scalars = DTYPES.map((dtype): Field => ({ name: `s_${dtype}`, kind: "tensor", dtype, shape: [] }));
const ragged = DTYPES.map((dtype, i): Field => ({ name: `r_${dtype}`, kind: "ragged", dtype, rank: (i % 3) + 1 }));
const image: Field = { name: "image", kind: "tensor", dtype: "uint8", shape: [13, 7, 3] };
const label: Field = { name: "label", kind: "tensor", dtype: "int32", shape: [] };
const key: Field = { name: "key", kind: "string" };
const jpeg: Field = { name: "jpeg", kind: "bytes", encoding: "jpeg" };
const boxes: Field = { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 };

const schemas: readonly [name: string, fields: readonly Field[]][] = [
  ["an image, a label and a key", [image, label, key]],
  ["an encoded image, a label and a key", [jpeg, label, key]],
  ["tensors of every dtype", tensors],
  ["scalars of every dtype", scalars],
  ["ragged arrays of every dtype", ragged],
  ["strings only", [key]],
  ["bytes only", [{ name: "blob", kind: "bytes", encoding: "none" }]],
  [
    "names of every form",
    [
      { ...label, name: "_a.b-C_9" },
      { ...label, name: "__proto__" },
      { ...key, name: "x".repeat(100) },
    ],
  ],
  ["every kind at once", [image, label, key, jpeg, boxes, ...tensors.slice(8)]],
];

/** The fields that a format keeps in a form of its own, so that they have no extents; ragged ones never have any. */
const encoded: Readonly<Record<FormatName, (field: Field) => boolean>> = {
  hdf5: () => false,
  arrow: () => false,
  tfrecord: (field) =>
    field.kind === "tensor" && /int/u.test(field.dtype) && (field.dtype !== "uint8" || field.shape.length === 0),
  webdataset: (field) => field.name === "label",
};

const formats = await Promise.all(FORMAT_NAMES.map(async (name) => ({ name, format: await openFormat(name) })));

async function write(
  name: FormatName,
  path: string,
  options: ShardWriterOptions,
  samples: readonly Sample[],
): Promise<void> {
  const writer = await (await openFormat(name)).createWriter(path, options);
  for (const sample of samples) await writer.write(sample);
  await writer.finish();
}

/** A value as a text of its bytes: NaN and the bits of floats are compared as they are. */
function textOf(value: SampleValue): string {
  if (typeof value === "string") return `text ${value}`;
  const [data, shape] = "shape" in value ? [value.data, value.shape] : [value, []];
  return `${data.constructor.name} [${shape.join()}] ${Buffer.from(bytesOf(data)).toString("base64")}`;
}

function comparable(sample: Sample): Map<string, string> {
  return new Map([...sample].map(([name, value]) => [name, textOf(value)]));
}

function sorted(texts: ReadonlyMap<string, string>): [string, string][] {
  return [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The code of the error that `action` ends in, or the stack of one that is not of millrace. */
async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return "no error";
  } catch (error) {
    return isMillraceError(error) ? error.code : String((error as Error).stack);
  }
}

describe.each(formats)("the format $name", ({ name, format }) => {
  const extension = format.extensions[0];
  const everyKind: Schema = { fields: [image, label, key, jpeg, boxes] };

  describe.each(schemas)("with %s", (_, fields) => {
    const schema: Schema = { fields };

    it.each([0, 1, 7, count(40, 400)])(
      "gives back %i samples, whether their number was known or not",
      async (length) => {
        const samples = samplesOf(schema, length);
        for (const expectedSamples of [undefined, length, length + 3]) {
          const path = join(tempDir(), `shard.${extension}`);
          await write(name, path, { schema, expectedSamples }, samples);
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
      const plain = fields.filter((field) => field.kind !== "ragged" && !encoded[name](field));
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

  it("gives back any string, bytes and shape", async () => {
    const schema: Schema = { fields: [key, jpeg, { ...boxes, dtype: "int16" }] };
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

  it("refuses a row that is not there and a field that is not there", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema: everyKind }, samplesOf(everyKind, 3));
    const reader = await format.openReader(path);
    for (const row of [-1, 3, 1.5, Number.NaN, 2 ** 53]) {
      expect(await codeOf(() => reader.read(row))).toBe("OPTION");
      expect(await codeOf(() => reader.readField(row, "key"))).toBe("OPTION");
    }
    expect(await codeOf(() => reader.readField(0, "nothing"))).toBe("SCHEMA");
    expect(await codeOf(() => reader.extents("constructor"))).toBe("SCHEMA");
    reader.close();
  });

  it("refuses everything after the reader was closed, which may be closed again", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    await write(name, path, { schema: everyKind }, samplesOf(everyKind, 3));
    const reader = await format.openReader(path);
    reader.close();
    reader.close();
    for (const { name: field } of everyKind.fields)
      expect(await codeOf(() => reader.readField(0, field))).toBe("CLOSED");
    expect(await codeOf(() => reader.read(0))).toBe("CLOSED");
  });

  it("refuses a sample that does not fit, and goes on with the next", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    const samples = samplesOf(everyKind, 2);
    const writer = await format.createWriter(path, { schema: everyKind, expectedSamples: 2 });
    await writer.write(samples[0] as Sample);
    const wrong: [string, SampleValue | undefined][] = [
      ["image", new Uint8Array(272)],
      ["label", Uint32Array.of(1)],
      ["key", new Uint8Array(3)],
      ["jpeg", "text"],
      ["boxes", { data: new Float32Array(3), shape: [2, 2] }],
      ["label", undefined],
      ["other", Int32Array.of(1)],
    ];
    for (const [field, value] of wrong) {
      const sample = new Map(samples[1]);
      if (value === undefined) sample.delete(field);
      else sample.set(field, value);
      expect(await codeOf(() => writer.write(sample))).toBe("SCHEMA");
    }
    await writer.write(samples[1] as Sample);
    await writer.finish();
    const reader = await format.openReader(path);
    expect(reader.length).toBe(2);
    for (const [row, sample] of samples.entries()) expect(comparable(reader.read(row))).toEqual(comparable(sample));
    reader.close();
  });

  it("refuses an impossible schema, and more samples than were announced", async () => {
    const path = join(tempDir(), `shard.${extension}`);
    expect(await codeOf(() => format.createWriter(path, { schema: { fields: [] } }))).toBe("SCHEMA");
    const writer = await format.createWriter(path, { schema: { fields: [label] }, expectedSamples: 1 });
    await writer.write(new Map([["label", Int32Array.of(1)]]));
    expect(await codeOf(() => writer.write(new Map([["label", Int32Array.of(2)]])))).toBe("OPTION");
    await writer.abort();
  });

  it("leaves nothing behind when it is aborted, at any point", async () => {
    const folder = tempDir();
    const path = join(folder, `shard.${extension}`);
    for (const expectedSamples of [undefined, 5]) {
      for (const written of [0, 2]) {
        const writer = await format.createWriter(path, { schema: everyKind, expectedSamples });
        for (const sample of samplesOf(everyKind, written)) await writer.write(sample);
        await writer.abort();
        await writer.abort();
        expect(readdirSync(folder)).toEqual([]);
        expect(await codeOf(() => writer.write(samplesOf(everyKind, 1)[0] as Sample))).toBe("CLOSED");
        expect(await codeOf(() => writer.finish())).toBe("CLOSED");
      }
    }
  });

  it("leaves the shard alone when it is aborted after it was finished, and nothing but the shard", async () => {
    const folder = tempDir();
    const path = join(folder, `shard.${extension}`);
    const writer = await format.createWriter(path, { schema: everyKind });
    for (const sample of samplesOf(everyKind, 4)) await writer.write(sample);
    await writer.finish();
    const size = statSync(path).size;
    await writer.abort();
    expect(readdirSync(folder)).toEqual([`shard.${extension}`]);
    expect(statSync(path).size).toBe(size);
    expect(await codeOf(() => writer.write(samplesOf(everyKind, 1)[0] as Sample))).toBe("CLOSED");
  });

  it("does not touch a file that is there, and names a folder that is not", async () => {
    const folder = tempDir();
    const path = join(folder, `shard.${extension}`);
    writeFileSync(path, "mine");
    expect(await codeOf(() => format.createWriter(path, { schema: everyKind }))).toBe("FILE");
    expect(readFileSync(path, "utf8")).toBe("mine");
    const nowhere = join(folder, "nowhere", `shard.${extension}`);
    expect(await codeOf(() => format.createWriter(nowhere, { schema: everyKind, expectedSamples: 3 }))).toBe("FILE");
  });

  it("refuses what is no shard with a typed error that names it", async () => {
    const folder = tempDir();
    const whole = join(folder, `whole.${extension}`);
    await write(name, whole, { schema: everyKind, expectedSamples: 9 }, samplesOf(everyKind, 9));
    const garbage = join(folder, "garbage");
    writeFileSync(garbage, noise(1, 5000));
    const empty = join(folder, "empty");
    writeFileSync(empty, "");
    const other = join(folder, "text.jpg");
    writeFileSync(other, "not a shard\n".repeat(100));
    for (const path of [garbage, empty, other]) {
      expect(await codeOf(() => format.openReader(path))).toBe("CORRUPT_SHARD");
      await expect(format.openReader(path)).rejects.toThrow(path);
    }
    expect(await codeOf(() => format.openReader(join(folder, "missing")))).toBe("FILE");
    mkdirSync(join(folder, "folder"));
    expect(await codeOf(() => format.openReader(join(folder, "folder")))).toBe("FILE");
    for (let size = statSync(whole).size - 1; size > 0; size = Math.floor(size * 0.93)) {
      const cut = join(folder, "cut");
      copyFileSync(whole, cut);
      truncateSync(cut, size);
      expect(await codeOf(() => format.openReader(cut))).toBe("CORRUPT_SHARD");
    }
  });
});
