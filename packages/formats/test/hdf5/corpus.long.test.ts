import { isMillraceError, openFormat, sampleBytes } from "@millrace/formats";
import { openOracle } from "@millrace/testkit";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const hdf5 = await openFormat("hdf5");
const h5py = openOracle("h5py");

/** Files of the tests of pyfive; the README of the folder says which. */
const corpora = process.env["MILLRACE_CORPORA"] ?? "";
const root = join(corpora, "hdf5-pyfive");
const there = corpora !== "" && existsSync(root);
/** Values of longer datasets are compared up to here. */
const MAX_ROWS = 1000;

/** Prints the first rows of the datasets of numbers in the root as hex, little-endian. */
const READ = `
import json, sys
import h5py
found = {}
with h5py.File(sys.argv[1], "r") as f:
    for name, d in f.items():
        if isinstance(d, h5py.Dataset) and d.shape and d.dtype.kind in "iuf":
            little = d[:${MAX_ROWS}]
            little = little.astype(little.dtype.newbyteorder("<"))
            found[name] = {"length": len(d), "rows": [row.tobytes().hex() for row in little]}
json.dump(found, sys.stdout)
`;

type Found = Record<string, { readonly length: number; readonly rows: readonly string[] }>;

/** What we read of the file: the fields that share their first extent; an error's code where there is none. */
async function ours(path: string): Promise<Found | string> {
  try {
    const reader = await hdf5.openReader(path);
    const fields = reader.schema.fields.map(({ name }) => {
      const rows = Array.from({ length: Math.min(reader.length, MAX_ROWS) }, (_, row) =>
        Buffer.from(sampleBytes(reader.readField(row, name))).toString("hex"),
      );
      return [name, { length: reader.length, rows }] as const;
    });
    reader.close();
    return Object.fromEntries(fields);
  } catch (error) {
    if (isMillraceError(error)) return error.code;
    throw error;
  }
}

describe("the corpus hdf5-pyfive", () => {
  it("is there", ({ skip }) => {
    skip(!there, "the corpus hdf5-pyfive is not available; set MILLRACE_CORPORA to the folder that holds it");
    expect(readdirSync(root).length).toBeGreaterThan(15);
  });

  const files = there && !h5py.skip ? readdirSync(root).filter((name) => name.endsWith(".hdf5")) : [];
  it.each(files)("has the values that h5py reads: %s", async (name) => {
    const theirs = JSON.parse(h5py.run(READ, join(root, name))) as Found;
    const found = await ours(join(root, name));
    const expected =
      typeof found === "string" ? {} : Object.fromEntries(Object.keys(found).map((field) => [field, theirs[field]]));
    // A file without a dataset of numbers in its root has no samples.
    expect(typeof found === "string" ? { found, theirs } : found).toEqual(
      typeof found === "string" ? { found: "UNSUPPORTED", theirs: {} } : expected,
    );
  });
});
