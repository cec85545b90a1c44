import { openFormat } from "@millrace/formats";
import { LONG_TIER, tempDir } from "@millrace/testkit";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { writeEveryKind } from "./every-kind.js";

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

/** In a process of its own: writes a shard, and prints how that ended and what is left in the folder. */
const WRITE = `
  const { openFormat } = await import(process.argv[1]);
  const { readdirSync } = await import("node:fs");
  const folder = process.argv[2];
  const schema = { fields: [{ name: "image", kind: "tensor", dtype: "uint8", shape: [100, 100] }, { name: "key", kind: "string" }] };
  let code = "written";
  let writer;
  try {
    writer = await (await openFormat("hdf5")).createWriter(folder + "/a.h5", { schema, expectedSamples: process.argv[3] === "?" ? undefined : 20 });
    for (let n = 0; n < 20; n++)
      await writer.write(new Map([["image", new Uint8Array(10000).fill(n)], ["key", "k" + n]]));
    await writer.finish();
  } catch (error) {
    code = error.code + " " + error.message;
    await writer?.abort();
  }
  console.log(JSON.stringify({ code, left: readdirSync(folder) }));
`;

/** Blocks of 512 bytes that a file may have: too few for the superblock, the headers, the rows. */
const limits: [number, boolean][] = [
  [8, true],
  [300, false],
  ...(LONG_TIER
    ? [1, 4, 12, 30, 40, 200, 380].flatMap((blocks): [number, boolean][] => [
        [blocks, true],
        [blocks, false],
      ])
    : []),
];

/** True where a file system of a few KiB can be mounted, in name spaces of its own; only the long tier does it. */
const canMount = LONG_TIER && spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

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

  it.skipIf(process.platform !== "linux").each(limits)(
    "fails with a FileError and leaves nothing when a file may not be larger than %i blocks (number known: %s)",
    (blocks, known) => {
      const folder = tempDir();
      const limited = `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`;
      const node = [process.execPath, "--input-type=module", "-e", WRITE, formats, folder];
      const run = spawnSync("sh", ["-c", limited, "sh", ...node, known ? "20" : "?"], {
        encoding: "utf8",
      });
      expect(run.stderr).toBe("");
      expect(JSON.parse(run.stdout)).toEqual({ code: expect.stringMatching(/^FILE .*a\.h5/u) as string, left: [] });
    },
  );

  it.skipIf(!canMount).each([16, 128, 200])(
    "says that the disk is full when it has room for %i KiB, and leaves nothing",
    (kibibytes) => {
      const mounted = `mount -t tmpfs -o size=${kibibytes}k tmpfs /mnt && exec "$@"`;
      for (const known of ["20", "?"]) {
        const node = [process.execPath, "--input-type=module", "-e", WRITE, formats, "/mnt", known];
        const run = spawnSync("unshare", ["-rm", "sh", "-c", mounted, "sh", ...node], { encoding: "utf8" });
        expect(run.stderr).toBe("");
        const code = expect.stringMatching(/^FILE \/mnt\/a\.h5: .*: the disk is full; free /u) as string;
        expect(JSON.parse(run.stdout)).toEqual({ code, left: [] });
      }
    },
  );
});
