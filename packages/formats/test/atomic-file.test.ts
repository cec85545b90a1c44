import { commitFile, removeTemporaries, temporaryPath, writeFileAtomic } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
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
});
