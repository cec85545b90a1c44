import {
  byteLengthOf,
  offsetOf,
  openFormat,
  sampleBytes,
  type Extents,
  type FormatName,
  type Sample,
  type SampleValue,
  type Schema,
  type ShardReader,
} from "@millrace/formats";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readAll } from "./arrow/every-kind.js";

interface Expected {
  /** The schema to open the file with, where it is not to tell its own. */
  readonly given?: Schema["fields"];
  readonly schema?: Schema["fields"];
  readonly samples?: readonly Record<string, unknown>[];
  readonly code?: string;
  readonly text?: string;
}

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

/**
 * Opens every file of `fixtures/<format>` and compares it with the JSON beside it, which the script that made the file
 * wrote from what it put in.
 */
export function describeFixtures(format: FormatName, extension: string): void {
  const folder = fileURLToPath(new URL(`../../../fixtures/${format}/`, import.meta.url));
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(extension))
    .map((name) => ({
      name,
      expected: JSON.parse(readFileSync(folder + name.replace(extension, ".json"), "utf8")) as Expected,
    }));

  const open = async (name: string, given: Schema["fields"] | undefined): Promise<ShardReader> =>
    await (
      await openFormat(format)
    ).openReader(folder + name, given === undefined ? undefined : { schema: { fields: given } });

  describe("a file that others made", () => {
    const readable = files.filter(({ expected }) => expected.samples !== undefined);
    it.each(readable)("is read with its schema and values: $name", async ({ name, expected }) => {
      const reader = await open(name, expected.given);
      expect(reader.schema.fields).toEqual(expected.schema);
      expect(readAll(reader).map((sample) => plainSample(sample, reader.schema))).toEqual(expected.samples);
      reader.close();
    });

    it.each(readable)("has its values at their extents: $name", async ({ name, expected }) => {
      const reader = await open(name, expected.given);
      const bytes = readFileSync(folder + name);
      for (const { name: field } of reader.schema.fields) {
        const extents = reader.extents(field);
        for (let row = 0; row < (extents?.length ?? 0); row++) {
          const at = offsetOf(extents as Extents, row);
          const found = bytes.subarray(at, at + byteLengthOf(extents as Extents, row));
          expect(found.equals(sampleBytes(reader.readField(row, field)))).toBe(true);
        }
      }
      reader.close();
    });

    it.each(readable)("is read the same by the schema that it was found to have: $name", async ({ name, expected }) => {
      const reader = await open(name, expected.schema);
      expect(readAll(reader).map((sample) => plainSample(sample, reader.schema))).toEqual(expected.samples);
      reader.close();
    });

    const refused = files.filter(({ expected }) => expected.code !== undefined);
    it.each(refused)("is refused with what it has that is not read: $name", async ({ name, expected }) => {
      await expect(open(name, expected.given)).rejects.toMatchObject({
        code: expected.code,
        message: expect.stringContaining(expected.text ?? "") as string,
      });
    });

    it("covers both", () => {
      expect(readable.length).toBeGreaterThan(4);
      expect(refused.length).toBeGreaterThan(4);
    });
  });
}
