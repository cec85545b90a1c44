import { byteLengthOf, offsetOf, openFormat, sampleBytes } from "@millrace/formats";
import { openOracle, tempDir } from "@millrace/testkit";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";

const h5py = openOracle("h5py");
const hdf5 = await openFormat("hdf5");

/** What `layouts.py` says of a file. */
interface Described {
  readonly kind: string;
  readonly fields: Record<string, { readonly rows: readonly string[]; readonly offsets: number[] | "inside" | null }>;
}

/** What this version says of the same file: rows by reading, and what lies where its extents say. */
async function described(path: string, { kind, fields }: Described): Promise<Described> {
  const file = readFileSync(path);
  const reader = await hdf5.openReader(path);
  const found = Object.entries(fields).map(([name, expected]) => {
    const read = Array.from({ length: reader.length }, (_, row) => sampleBytes(reader.readField(row, name)));
    const rows = read.map((bytes) => Buffer.from(bytes).toString("hex"));
    const extents = reader.extents(name);
    if (extents === undefined) return [name, { rows, offsets: null }];
    const offsets = rows.map((_, row) => offsetOf(extents, row));
    const lying = offsets.map((at, row) => file.toString("hex", at, at + byteLengthOf(extents, row)));
    expect({ [name]: lying.join() === rows.join() }).toEqual({ [name]: true });
    return [name, { rows, offsets: expected.offsets === "inside" ? "inside" : offsets }];
  });
  expect(reader.schema.fields.map(({ name }) => name)).toEqual(Object.keys(fields).toSorted());
  reader.close();
  return { kind, fields: Object.fromEntries(found) as Described["fields"] };
}

describe.skipIf(h5py.skip)("files of every layout that h5py can make", () => {
  it("have the extents that h5py says, or none, and the values that it reads", async () => {
    const all = JSON.parse(h5py.run(readFileSync(new URL("layouts.py", import.meta.url), "utf8"), tempDir())) as Record<
      string,
      Described
    >;
    const counts = { files: 0, datasets: 0, withExtents: 0 };
    for (const [path, expected] of Object.entries(all)) {
      // Compared as texts: a difference of arrays of 140,000 rows takes minutes to print.
      const found = JSON.stringify(await described(path, expected));
      expect({ [basename(path)]: found === JSON.stringify(expected) }).toEqual({ [basename(path)]: true });
      const fields = Object.values(expected.fields);
      counts.files++;
      counts.datasets += fields.length;
      counts.withExtents += fields.filter(({ offsets }) => offsets !== null).length;
    }
    process.stdout.write(
      `HDF5 layouts: ${counts.files} files, ${counts.datasets} datasets, ${counts.withExtents} with extents as h5py says\n`,
    );
    expect(counts.files).toBeGreaterThanOrEqual(60);
    expect(counts.withExtents).toBeGreaterThan(500);
  });
});
