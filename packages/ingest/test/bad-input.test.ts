import { isMillraceError, type MillraceError } from "@millrace/formats";
import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { imageBytes, writeClasses, writeFile } from "./image-files.js";
import { filesIn } from "./tree.js";

/** The error of a conversion that must fail. */
async function failure(options: unknown): Promise<MillraceError> {
  const error: unknown = await convert(options as ConvertOptions).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isMillraceError(error)) throw error;
  return error;
}

async function photos(): Promise<string> {
  const root = join(tempDir(), "photos");
  await writeClasses(root, ["cat", "dog"], 4);
  return root;
}

describe("an option that is impossible", () => {
  const cases: [string, unknown, RegExp][] = [
    ["size", 0, /option size: has an impossible value; expected a whole number from 1 to 16384, found 0/u],
    ["size", Number.NaN, /option size.*found NaN/u],
    ["size", 1.5, /option size.*found 1.5/u],
    ["size", "224", /option size.*found "224"/u],
    ["compression", "lzf", /option compression.*expected gzip, found "lzf"/u],
    ["compression", "gzip", /option compression: has no meaning for images that stay encoded; expected .*mode raw/u],
    ["samplesPerShard", -1, /option samplesPerShard.*found -1/u],
    ["samplesPerShard", Number.POSITIVE_INFINITY, /option samplesPerShard.*found Infinity/u],
    ["valFraction", 1, /option valFraction.*0 to less than 1, found 1/u],
    ["valFraction", -0.1, /option valFraction.*found -0.1/u],
    ["seed", 2 ** 53, /option seed.*found 9007199254740992/u],
    ["numWorkers", -1, /option numWorkers.*found -1/u],
    ["numWorkers", null, /option numWorkers.*found null/u],
    ["format", "zip", /option format.*expected hdf5 \| arrow.*, found "zip"/u],
    ["format", ["hdf5"], /option format.*found an array/u],
    ["mode", "webp", /option mode.*expected encoded \| seekable \| raw, found "webp"/u],
    ["sourceKind", {}, /option sourceKind.*expected image-folder, found an object/u],
    ["onReject", "ignore", /option onReject.*expected skip \| fail, found "ignore"/u],
    ["maxRejects", 0.5, /option maxRejects.*found 0.5/u],
    ["maxRejectFraction", 2, /option maxRejectFraction.*found 2/u],
    ["overwrite", "yes", /option overwrite.*found "yes"/u],
    ["signal", true, /option signal.*expected an AbortSignal/u],
    ["onProgress", {}, /option onProgress.*expected a function/u],
    ["source", "", /option source.*expected a path, found ""/u],
    ["source", undefined, /option source.*expected a path, found undefined/u],
    ["out", "a\0b", /option out.*expected a path/u],
    ["batchSize", 3, /option batchSize: there is no such option; expected source, out/u],
  ];
  it.each(cases)(
    "%s %s is refused with what was expected and found, and nothing is touched",
    async (name, value, text) => {
      const folder = tempDir();
      const error = await failure({ source: join(folder, "in"), out: join(folder, "out"), [name]: value });
      expect(error).toMatchObject({ code: "OPTION", exitCode: 2, message: expect.stringMatching(text) as string });
      expect(filesIn(folder)).toEqual([]);
    },
  );

  it("a size in mode encoded is refused", async () => {
    const error = await failure({ source: "a", out: "b", mode: "encoded", size: 3 });
    expect(error.message).toMatch(/option size: has no meaning in mode encoded.*leave size out/u);
  });

  it("a compression that the format of the shards does not have is refused", async () => {
    const error = await failure({ source: "a", out: "b", format: "arrow", size: 32, compression: "gzip" });
    expect(error).toMatchObject({ code: "OPTION", exitCode: 2 });
    expect(error.message).toMatch(/option compression: arrow shards are not written so; expected format hdf5/u);
  });

  it("more val than samples is refused, and nothing is made", async () => {
    const source = await photos();
    const out = join(tempDir(), "out");
    expect(await failure({ source, out, valFraction: 0.01 })).toMatchObject({ code: "OPTION", exitCode: 2 });
    expect((await failure({ source, out, valFraction: 1.5 })).message).toMatch(/valFraction.*less than 1, found 1.5/u);
    expect(existsSync(out)).toBe(false);
  });
});

describe("a source without images", () => {
  it("an empty folder, no classes, a missing folder, a file: one clear message, and nothing is made", async () => {
    const source = tempDir();
    const out = join(tempDir(), "out");
    expect(await failure({ source, out })).toMatchObject({ code: "SOURCE", exitCode: 3 });
    expect((await failure({ source, out })).message).toMatch(/the folder is empty.*check the path/u);
    writeFile(join(source, "a.png"), await imageBytes());
    expect((await failure({ source, out })).message).toMatch(/there are no classes.*move the images into folders/u);
    expect((await failure({ source: join(source, "no"), out })).message).toMatch(/there is no such folder/u);
    const file = join(source, "a.png");
    expect((await failure({ source: file, out })).message).toMatch(/is not a source that can be converted/u);
    expect((await failure({ source: file, out, sourceKind: "image-folder" })).message).toMatch(/a file, not a folder/u);
    expect(existsSync(out)).toBe(false);
  });
});

describe("an existing output", () => {
  it("that is a finished dataset is not touched, unless it is to be replaced", async () => {
    const source = await photos();
    const out = join(tempDir(), "out");
    await convert({ source, out, size: 4, format: "arrow", numWorkers: 0 });
    writeFile(join(out, "notes.txt"), "mine");
    writeFile(join(out, "train/notes.txt"), "mine too");
    const manifest = readFileSync(join(out, "dataset.json"), "utf8");
    const error = await failure({ source, out, size: 4, format: "arrow", numWorkers: 0 });
    expect(error).toMatchObject({ code: "OPTION", exitCode: 2 });
    expect(error.message).toMatch(/option out: the folder holds a finished dataset.*--overwrite/u);
    expect(readFileSync(join(out, "dataset.json"), "utf8")).toBe(manifest);
    await convert({
      source,
      out,
      format: "hdf5",
      samplesPerShard: 100,
      valFraction: 0.25,
      numWorkers: 0,
      overwrite: true,
    });
    expect(filesIn(out)).toEqual([
      "dataset.json",
      "notes.txt",
      "train",
      "train/notes.txt",
      "train/shard-00000.h5",
      "train/shard-00000.index",
      "val",
      "val/shard-00000.h5",
      "val/shard-00000.index",
    ]);
  });

  it("that is a finished dataset with a missing or cut file names it and the way out", async () => {
    const source = await photos();
    const out = join(tempDir(), "out");
    const options = { source, out, size: 4, format: "arrow", samplesPerShard: 3, numWorkers: 0 } as const;
    await convert(options);
    truncateSync(join(out, "train/shard-00002.index"), 3);
    expect((await failure(options)).message).toMatch(/is missing or cut; found .*train\/shard-00002.index; restore/u);
    rmSync(join(out, "train/shard-00001.arrow"));
    expect((await failure(options)).message).toMatch(/found .*train\/shard-00001.arrow; restore .*\(--overwrite\)/u);
    expect((await convert({ ...options, overwrite: true })).samples).toBe(8);
  });

  it("that is not replaced stays whole when the new conversion cannot even begin", async () => {
    const source = await photos();
    const out = join(tempDir(), "out");
    await convert({ source, out, format: "arrow", numWorkers: 0 });
    const before = filesIn(out);
    await failure({ source: join(source, "missing"), out, overwrite: true });
    await failure({ source, out, overwrite: true, valFraction: 0.001 });
    expect(filesIn(out)).toEqual(before);
  });

  it("that is something else is refused even with overwrite, and not touched", async () => {
    const source = await photos();
    const out = tempDir();
    writeFile(join(out, "thesis.tex"), "years");
    for (const overwrite of [false, true]) {
      const error = await failure({ source, out, overwrite });
      expect(error.message).toMatch(/option out: the folder is not empty and holds no dataset.*name another folder/u);
    }
    writeFile(join(out, "dataset.json"), '{"name": "of another tool"}');
    expect((await failure({ source, out, overwrite: true })).message).toMatch(/holds no dataset of millrace/u);
    expect(filesIn(out)).toEqual(["dataset.json", "thesis.tex"]);
    expect((await failure({ source, out: join(out, "thesis.tex") })).message).toMatch(/is a file, not a folder/u);
  });

  it("that is the source, lies in it, or leads out by a link is refused", async () => {
    const source = await photos();
    expect((await failure({ source, out: source })).message).toMatch(/not empty and holds no dataset/u);
    expect((await failure({ source, out: join(source, "deep/shards") })).message).toMatch(/out: lies in the source/u);
    expect(filesIn(source)).not.toContain("deep");
    const out = tempDir();
    const elsewhere = tempDir();
    await convert({ source, out, format: "arrow", numWorkers: 0 });
    symlinkSync(elsewhere, join(out, "val"));
    const error = await failure({ source, out, format: "arrow", numWorkers: 0, valFraction: 0.5, overwrite: true });
    expect(error.message).toMatch(/option out: is not a folder; found .*val; remove it/u);
    expect(filesIn(elsewhere)).toEqual([]);
  });

  it("that is an empty folder is taken", async () => {
    const out = join(tempDir(), "out");
    mkdirSync(out);
    expect((await convert({ source: await photos(), out, format: "arrow", numWorkers: 0 })).samples).toBe(8);
  });
});
