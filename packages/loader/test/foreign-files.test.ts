import { openLoader, sequential, textsOf } from "@millrace/loader";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** What a fixture's JSON says of a file: `samples` as a reader must find them. */
interface Expected {
  readonly schema: readonly { readonly name: string; readonly kind: string }[];
  readonly samples: readonly Readonly<Record<string, string | readonly (string | number | null)[]>>[];
}

interface Fixture {
  readonly name: string;
  readonly path: string;
  readonly expected: Expected;
  /** Names of the fields that a batch can hold. */
  readonly fields: readonly string[];
}

const FIXTURES = fileURLToPath(new URL("../../../fixtures/", import.meta.url));

/** The fixtures of a folder that hold samples; the others say which error their reader must give. */
function fixturesOf(folder: string, extension: string): Fixture[] {
  return readdirSync(FIXTURES + folder)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => {
      const name = `${folder}/${file.slice(0, -5)}`;
      const expected = JSON.parse(readFileSync(`${FIXTURES}${name}.json`, "utf8")) as Partial<Expected>;
      if (expected.schema === undefined || expected.samples === undefined) return [];
      const { schema, samples } = expected;
      const fields = schema.filter(({ kind }) => kind === "tensor" || kind === "string").map((field) => field.name);
      return [{ name, path: `${FIXTURES}${name}.${extension}`, expected: { schema, samples }, fields }];
    });
}

const ALL = [...fixturesOf("hdf5", "h5"), ...fixturesOf("arrow", "arrow")];

describe("a file that another implementation has made", () => {
  const filled = ALL.filter(({ expected, fields }) => expected.samples.length * fields.length > 0);
  it.each(filled)("gives batches that hold what $name holds, whatever way it is stored", async (fixture) => {
    const { path, expected, fields } = fixture;
    await using loader = await openLoader(path, { batchSize: 64, numWorkers: 0, fields, order: sequential() });
    const found = new Map<string, string[]>();
    for await (const batch of loader) {
      for (const [name, field] of Object.entries(batch.fields)) {
        const isText = expected.schema.some((entry) => entry.name === name && entry.kind === "string");
        found.set(name, isText ? textsOf(field) : Array.from(field.data, String));
      }
    }
    for (const name of fields) {
      const wanted = expected.samples.flatMap((sample) => sample[name] ?? []);
      expect([name, found.get(name)]).toEqual([name, wanted.map((value) => (value === null ? "NaN" : String(value)))]);
    }
  });

  it.each(ALL.filter(({ expected }) => expected.samples.length === 0))(
    "is refused if, like $name, it holds no sample",
    async ({ path }) => {
      await expect(openLoader(path)).rejects.toThrow(/option split: the split has no samples/u);
    },
  );
});
