import { openFormat, sampleBytes, type Sample, type SampleValue, type Schema } from "@millrace/formats";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readAll } from "./every-kind.js";

/** Made by pyarrow; see `fixtures/arrow/make.py`. */
const folder = fileURLToPath(new URL("../../../../fixtures/arrow/", import.meta.url));

interface Expected {
  readonly schema?: Schema["fields"];
  readonly samples?: readonly Record<string, unknown>[];
  readonly code?: string;
  readonly text?: string;
}

const files = readdirSync(folder)
  .filter((name) => name.endsWith(".arrow"))
  .map((name) => ({
    name,
    expected: JSON.parse(readFileSync(`${folder}${name.replace(".arrow", ".json")}`, "utf8")) as Expected,
  }));

const arrow = await openFormat("arrow");

/** A value in the words of the fixtures' JSON. */
function plain(value: SampleValue, schema: Schema, name: string): unknown {
  if (typeof value === "string") return value;
  if ("shape" in value) return { data: Array.from(value.data, Number), shape: value.shape };
  const kind = schema.fields.find((field) => field.name === name)?.kind;
  return kind === "bytes" ? Buffer.from(sampleBytes(value)).toString("hex") : Array.from(value, Number);
}

function plainSample(sample: Sample, schema: Schema): Record<string, unknown> {
  return Object.fromEntries([...sample].map(([name, value]) => [name, plain(value, schema, name)]));
}

describe("a file that pyarrow made", () => {
  const readable = files.filter(({ expected }) => expected.samples !== undefined);
  it.each(readable)("is read with its schema and values: $name", async ({ name, expected }) => {
    const reader = await arrow.openReader(folder + name);
    expect(reader.schema.fields).toEqual(expected.schema);
    expect(readAll(reader).map((sample) => plainSample(sample, reader.schema))).toEqual(expected.samples);
    reader.close();
  });

  const refused = files.filter(({ expected }) => expected.code !== undefined);
  it.each(refused)("is refused with what it uses that is not read: $name", async ({ name, expected }) => {
    await expect(arrow.openReader(folder + name)).rejects.toMatchObject({
      code: expected.code,
      message: expect.stringContaining(expected.text ?? "") as string,
    });
  });

  it("covers both", () => {
    expect(readable.length).toBeGreaterThan(6);
    expect(refused.length).toBeGreaterThan(10);
  });
});
