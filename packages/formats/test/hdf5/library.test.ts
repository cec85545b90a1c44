import { openFormat } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { writeEveryKind } from "./every-kind.js";
import { fileLimit, writeLimited } from "./limited-writer.js";

const hdf5 = await openFormat("hdf5");
const formats = new URL("../../dist/index.js", import.meta.url).href;
const fixtures = fileURLToPath(new URL("../../../../fixtures/hdf5/", import.meta.url));

/** In a process of its own: reads a whole file, and fails if anything imports the library. */
const READ_WITHOUT_LIBRARY = `
  import { register } from "node:module";
  register("data:text/javascript," + encodeURIComponent(\`
    export const resolve = (name, context, next) => {
      if (name.startsWith("h5wasm")) throw new Error("h5wasm was imported");
      return next(name, context);
    };\`));
  const { openFormat } = await import(process.argv[1]);
  for (const path of process.argv.slice(2)) {
    const reader = await (await openFormat("hdf5")).openReader(path);
    for (const { name } of reader.schema.fields) reader.extents(name);
    for (let row = 0; row < reader.length; row++) reader.read(row);
    console.log(reader.length + " samples");
  }
`;

function openFiles(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}

describe("the HDF5 library", () => {
  it("is not loaded to read what millrace wrote, nor what h5py wrote", async () => {
    const paths = [await writeEveryKind(5), `${fixtures}latest.h5`, `${fixtures}earliest.h5`, `${fixtures}photos.h5`];
    const args = ["--input-type=module", "-e", READ_WITHOUT_LIBRARY, formats, ...paths];
    const samples = [5, 7, 7, 7].map((length) => `${length} samples\n`).join("");
    expect(execFileSync(process.execPath, args, { encoding: "utf8" })).toBe(samples);
  });

  it("reads chunks with filters of its own, again and again, without keeping files open", async () => {
    const path = join(tempDir(), "scale-offset.h5");
    copyFileSync(`${fixtures}scale-offset.h5`, path);
    const before = openFiles();
    for (let n = 0; n < 50; n++) {
      const reader = await hdf5.openReader(path);
      expect(reader.extents("image")).toBeUndefined();
      expect(reader.readField(n % 7, "image")).toHaveLength(6);
      reader.close();
    }
    expect(openFiles()).toBe(before);
  });

  it("returns success for a damaged chunk; the reader names the chunk's dataset", async () => {
    const bytes = readFileSync(`${fixtures}scale-offset.h5`);
    const path = join(tempDir(), "damaged.h5");
    // A byte too few in the stored chunks: the filter reads beyond their end.
    const tree = bytes.lastIndexOf("TREE");
    bytes.writeUInt32LE(1, tree + 24);
    writeFileSync(path, bytes);
    const reader = await hdf5.openReader(path);
    expect(() => reader.readField(0, "image")).toThrow(/damaged\.h5: cannot read row 0 of the dataset image/u);
    expect(reader.readField(6, "image")).toHaveLength(6);
    reader.close();
  });

  it.skipIf(process.platform === "win32").each([
    [8, true],
    [300, false],
  ])(
    "fails with a FileError and leaves nothing where files end after %i blocks (number known: %s)",
    (blocks, known) => {
      const { code, left } = writeLimited(fileLimit(blocks), tempDir(), known);
      expect(code).toMatch(/^FILE .*a\.h5: cannot write the shard: .*file too large/u);
      expect(left).toEqual([]);
    },
  );
});
