import {
  byteLengthOf,
  offsetOf,
  openFormat,
  sampleBytes,
  type Extents,
  type Sample,
  type SampleValue,
  type Schema,
} from "@millrace/formats";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** Made by h5py; see `fixtures/hdf5/make.py`. */
const folder = fileURLToPath(new URL("../../../../fixtures/hdf5/", import.meta.url));

interface Expected {
  readonly schema?: Schema["fields"];
  readonly attributes?: Record<string, string>;
  readonly samples?: readonly Record<string, unknown>[];
  readonly extents?: Record<string, [number, number][] | null>;
  readonly code?: string;
  readonly text?: string;
}

const files = readdirSync(folder)
  .filter((name) => name.endsWith(".h5"))
  .map((name) => ({
    name,
    expected: JSON.parse(readFileSync(`${folder}${name.replace(".h5", ".json")}`, "utf8")) as Expected,
  }));

const hdf5 = await openFormat("hdf5");

/** A value in the words of the fixtures' JSON. */
function plain(value: SampleValue, schema: Schema, name: string): unknown {
  if (typeof value === "string") return value;
  if ("shape" in value) return { data: elements(value.data), shape: value.shape };
  const kind = schema.fields.find((field) => field.name === name)?.kind;
  return kind === "bytes" ? Buffer.from(sampleBytes(value)).toString("hex") : elements(value);
}

function elements(array: Iterable<number | bigint>): (number | string)[] {
  return Array.from(array, (element) => (typeof element === "bigint" ? String(element) : element));
}

function plainSample(sample: Sample, schema: Schema): Record<string, unknown> {
  return Object.fromEntries([...sample].map(([name, value]) => [name, plain(value, schema, name)]));
}

/** Offset and bytes of each row. */
function runsOf(extents: Extents | undefined): [number, number][] | null {
  if (extents === undefined) return null;
  return Array.from({ length: extents.length }, (_, row) => [offsetOf(extents, row), byteLengthOf(extents, row)]);
}

describe("a file that h5py made", () => {
  const readable = files.filter(({ expected }) => expected.samples !== undefined);

  it.each(readable)("is read with its schema, attributes and values: $name", async ({ name, expected }) => {
    const reader = await hdf5.openReader(folder + name);
    expect(reader.schema.fields).toEqual(expected.schema);
    expect(Object.fromEntries(reader.attributes)).toEqual(expected.attributes);
    const samples = Array.from({ length: reader.length }, (_, row) => reader.read(row));
    expect(samples.map((sample) => plainSample(sample, reader.schema))).toEqual(expected.samples);
    reader.close();
  });

  it.each(readable)("has the extents that h5py says: $name", async ({ name, expected }) => {
    const reader = await hdf5.openReader(folder + name);
    const found = reader.schema.fields
      .filter(({ kind }) => kind === "tensor")
      .map(({ name: field }) => [field, runsOf(reader.extents(field))]);
    const tensors = new Set(found.map(([field]) => field));
    expect(found).toEqual(Object.entries(expected.extents ?? {}).filter(([field]) => tensors.has(field)));
    reader.close();
  });

  it.each(readable)("has the bytes of its samples at their extents: $name", async ({ name }) => {
    const bytes = readFileSync(folder + name);
    const reader = await hdf5.openReader(folder + name);
    for (const { name: field } of reader.schema.fields) {
      for (const [row, [at, length]] of (runsOf(reader.extents(field)) ?? []).entries())
        expect(bytes.subarray(at, at + length).equals(sampleBytes(reader.readField(row, field)))).toBe(true);
    }
    reader.close();
  });

  const refused = files.filter(({ expected }) => expected.code !== undefined);
  it.each(refused)(
    "is refused with what is wrong, or not read, when it is opened or read: $name",
    async ({ name, expected }) => {
      const reading = async (): Promise<Sample> => (await hdf5.openReader(folder + name)).read(0);
      await expect(reading()).rejects.toMatchObject({
        code: expected.code,
        message: expect.stringContaining(expected.text ?? "") as string,
      });
    },
  );

  it("covers both", () => {
    expect(readable.length).toBeGreaterThan(5);
    expect(refused.length).toBeGreaterThan(4);
  });
});
