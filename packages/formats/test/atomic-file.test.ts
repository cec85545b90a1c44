import {
  checkWritable,
  commitFile,
  makeFolder,
  removeTemporaries,
  temporaryPath,
  writeFileAtomic,
} from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

describe("an atomic file", () => {
  it("replaces what was there, and leaves nothing else behind", async () => {
    const dir = tempDir();
    const path = join(dir, "a.json");
    await writeFileAtomic(path, "one");
    await writeFileAtomic(path, "two");
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(readdirSync(dir)).toEqual(["a.json"]);
  });

  it("in a folder that is not there is a FileError that names the file", async () => {
    const path = join(tempDir(), "no", "a.json");
    await expect(writeFileAtomic(path, "x")).rejects.toMatchObject({ code: "FILE", detail: { file: path } });
  });

  it("cannot take the place of a folder, and then is gone", async () => {
    const dir = tempDir();
    mkdirSync(join(dir, "a", "b"), { recursive: true });
    const temporary = temporaryPath(join(dir, "a"));
    writeFileSync(temporary, "x");
    await expect(commitFile(temporary, join(dir, "a"))).rejects.toMatchObject({ code: "FILE" });
    expect(existsSync(join(dir, "a", "b"))).toBe(true);
    await expect(writeFileAtomic(join(dir, "a"), "x")).rejects.toMatchObject({ code: "FILE" });
    expect(readdirSync(dir)).toEqual(["a"]);
  });

  it("that a killed run left half-written is removed by the next, other files stay", async () => {
    const dir = tempDir();
    writeFileSync(temporaryPath(join(dir, "a.h5")), "half");
    writeFileSync(join(dir, ".millrace-notes.tmp"), "the user's");
    expect(await removeTemporaries(dir)).toBe(1);
    expect(readdirSync(dir)).toEqual([".millrace-notes.tmp"]);
  });

  it("of another name stays if only one name is asked for", async () => {
    const dir = tempDir();
    for (const name of ["a", "b"]) writeFileSync(temporaryPath(join(dir, name)), "half");
    expect(await removeTemporaries(dir, "a")).toBe(1);
    expect(readdirSync(dir)).toEqual([expect.stringMatching(/-b\.tmp$/u)]);
  });
});

describe("makeFolder", () => {
  it("makes what is missing of a path, twice at once too, and leaves what is there", async () => {
    const dir = tempDir();
    const path = join(dir, "a", "b", "c");
    await Promise.all([makeFolder(path), makeFolder(path)]);
    writeFileSync(join(path, "file"), "x");
    await makeFolder(path);
    expect(readdirSync(path)).toEqual(["file"]);
  });

  it("says what the system refuses, and that a file or a link to nothing is in the way", async () => {
    const dir = tempDir();
    writeFileSync(join(dir, "file"), "x");
    symlinkSync(join(dir, "nothing"), join(dir, "link"));
    for (const [path, message] of [
      [join(dir, "file"), /file: is a file, not a folder; name another/u],
      [join(dir, "file", "b"), /cannot make the folder: a part of the path is not a folder/u],
      [join(dir, "link"), /cannot make the folder: .*EEXIST/u],
    ] as const)
      await expect(makeFolder(path)).rejects.toMatchObject({ code: "FILE", message: expect.stringMatching(message) });
  });

  it.runIf(existsSync("/proc"))("comes to an end where the system has no place for folders", async () => {
    await expect(makeFolder("/proc/x/y", "begin")).rejects.toThrow("/proc/x/y: cannot begin: no such file or folder");
  });
});

describe.each(["replace", "append"] as const)("a file that can be written, to %s", (how) => {
  it("is left as it was, and so is a folder without it", async () => {
    const dir = tempDir();
    const path = join(dir, "a.json");
    await checkWritable(path, how);
    expect(readdirSync(dir)).toEqual([]);
    writeFileSync(path, "one");
    const { mtimeMs, ino } = statSync(path);
    await checkWritable(path, how);
    expect(readFileSync(path, "utf8")).toBe("one");
    expect(statSync(path)).toMatchObject({ mtimeMs, ino });
    expect(readdirSync(dir)).toEqual(["a.json"]);
  });

  it("is none in a folder that is not there, below a file, or in the place of a folder", async () => {
    const dir = tempDir();
    writeFileSync(join(dir, "file"), "x");
    for (const [path, message] of [
      [join(dir, "no", "a.json"), /no such file or folder; check the path/u],
      [join(dir, "file", "a.json"), /a part of the path is not a folder/u],
      [dir, /is a folder, not a file; name a file/u],
    ] as const) {
      const expected = { code: "FILE", detail: { file: path }, message: expect.stringMatching(message) as string };
      await expect(checkWritable(path, how)).rejects.toMatchObject(expected);
    }
    expect(readdirSync(dir)).toEqual(["file"]);
  });

  it.skipIf(process.getuid?.() === 0)("is none in a folder that may not be written into", async () => {
    const dir = tempDir();
    chmodSync(dir, 0o500);
    await expect(checkWritable(join(dir, "a.json"), how)).rejects.toMatchObject({ code: "FILE" });
  });
});
