import { detectSourceKind, openSource, type Listing } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeFile } from "../image-files.js";

async function list(root: string): Promise<Listing> {
  return await (await openSource({ kind: "image-folder", root })).list();
}

function touch(root: string, ...paths: readonly string[]): void {
  for (const path of paths) writeFile(join(root, path), "x");
}

function labelsOf(listing: Listing): Record<string, string | undefined> {
  return Object.fromEntries(listing.items.map(({ key, label }) => [key, listing.classes[label]]));
}

describe("a folder of class folders", () => {
  it("has the folders as classes, whatever lies how deep below them", async () => {
    const root = tempDir();
    touch(root, "dog/b.png", "cat/deep/down/a.JPG", "cat/b.jpeg", "cat/deep/c.webp");
    const listing = await list(root);
    expect(listing).toMatchObject({ kind: "image-folder", splits: [], classes: ["cat", "dog"], ignored: [] });
    expect(labelsOf(listing)).toEqual({
      "cat/b.jpeg": "cat",
      "cat/deep/c.webp": "cat",
      "cat/deep/down/a.JPG": "cat",
      "dog/b.png": "dog",
    });
    expect(listing.items.every(({ path, key, split }) => path === key && split === undefined)).toBe(true);
  });

  it("is in order of the bytes of its names, not of a language", async () => {
    const root = tempDir();
    const names = ["Z", "a", "a.b", "a/b", "ä", "\u{ff5e}", "\u{1f980}", "é", "10", "9"];
    touch(root, ...names.map((name) => `k/${name.replace("/", "-")}/1.png`), ...names.map((n) => `k/${n}x.png`));
    const { items } = await list(root);
    const keys = items.map(({ key }) => key);
    expect(keys).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(keys.indexOf("k/\u{ff5e}x.png")).toBeLessThan(keys.indexOf("k/\u{1f980}x.png"));
  });

  it("counts and names what it leaves out", async () => {
    const root = tempDir();
    touch(root, "cat/1.png", "cat/notes.txt", "cat/.hidden.png", ".git/x.png", "loose.png", "README", "cat/.DS_Store");
    mkdirSync(join(root, "empty"));
    expect((await list(root)).ignored).toEqual([
      { reason: "class-without-images", count: 1, examples: ["empty"] },
      { reason: "hidden", count: 3, examples: [".git", "cat/.DS_Store", "cat/.hidden.png"] },
      { reason: "not-an-image", count: 2, examples: ["README", "cat/notes.txt"] },
      { reason: "outside-a-class", count: 1, examples: ["loose.png"] },
    ]);
  });

  it("names the first few of many that it leaves out", async () => {
    const root = tempDir();
    touch(root, "cat/1.png", ...Array.from({ length: 30 }, (_, i) => `cat/${i + 10}.txt`));
    const examples = ["cat/10.txt", "cat/11.txt", "cat/12.txt", "cat/13.txt", "cat/14.txt"];
    expect((await list(root)).ignored).toEqual([{ reason: "not-an-image", count: 30, examples }]);
  });
});

describe("a folder of splits", () => {
  it("is one whose top-level folders are train, val, test and nothing else", async () => {
    const root = tempDir();
    touch(root, "val/cat/1.png", "train/cat/1.png", "train/dog/x/1.png", "val/bird/2.png", "notes.txt");
    const listing = await list(root);
    expect(listing).toMatchObject({ splits: ["train", "val"], classes: ["bird", "cat", "dog"] });
    expect(listing.items.map(({ key, split }) => [key, split])).toEqual([
      ["train/cat/1.png", "train"],
      ["train/dog/x/1.png", "train"],
      ["val/bird/2.png", "val"],
      ["val/cat/1.png", "val"],
    ]);
  });

  it("is refused if a split has no class folders", async () => {
    const root = tempDir();
    touch(root, "train/cat/1.png", "val/1.png");
    await expect(list(root)).rejects.toThrow(/split val has no classes.*move the images/u);
  });

  it("is refused if folders that look like splits have others beside them or go by other names", async () => {
    const beside = tempDir();
    touch(beside, "train/cat/1.png", "val/cat/1.png", "devkit/x/1.png");
    await expect(list(beside)).rejects.toThrow(/train, val look like splits.*found devkit, train, val; rename/u);
    const named = tempDir();
    touch(named, "train/cat/1.png", "validation/cat/1.png");
    await expect(list(named)).rejects.toThrow(/train, validation look like splits/u);
  });

  it("is not mistaken for one where classes have such names", async () => {
    const root = tempDir();
    touch(root, "train/1.png", "plane/1.png", "test/2.png");
    expect(await list(root)).toMatchObject({ splits: [], classes: ["plane", "test", "train"] });
  });
});

describe("links", () => {
  it("to files of the folder are files", async () => {
    const root = tempDir();
    touch(root, "cat/1.png");
    symlinkSync("1.png", join(root, "cat/2.png"));
    expect(Object.keys(labelsOf(await list(root)))).toEqual(["cat/1.png", "cat/2.png"]);
  });

  it("that lead out, to folders or nowhere are left out and reported", async () => {
    const root = tempDir();
    const outside = tempDir();
    touch(outside, "secret.png");
    touch(root, "cat/1.png", "dog/1.png");
    symlinkSync(join(outside, "secret.png"), join(root, "cat/out.png"));
    symlinkSync(outside, join(root, "cat/out"));
    symlinkSync("../dog", join(root, "cat/dog"));
    symlinkSync("..", join(root, "cat/loop"));
    symlinkSync("nowhere.png", join(root, "cat/broken.png"));
    const listing = await list(root);
    expect(Object.keys(labelsOf(listing))).toEqual(["cat/1.png", "dog/1.png"]);
    expect(listing.ignored).toEqual([
      { reason: "broken-link", count: 1, examples: ["cat/broken.png"] },
      { reason: "link-leads-out", count: 2, examples: ["cat/out", "cat/out.png"] },
      { reason: "link-to-folder", count: 2, examples: ["cat/dog", "cat/loop"] },
    ]);
  });

  it("that are all there is are said to be the reason", async () => {
    const root = tempDir();
    const outside = tempDir();
    touch(outside, "a.png");
    mkdirSync(join(root, "cat"));
    symlinkSync(join(outside, "a.png"), join(root, "cat/a.png"));
    await expect(list(root)).rejects.toThrow(/no image.*1 x link-leads-out \(cat\/a.png\).*copy the files/u);
  });

  it("to the source itself are followed", async () => {
    const root = tempDir();
    touch(root, "real/cat/1.png");
    symlinkSync("real", join(root, "link"));
    expect(Object.keys(labelsOf(await list(join(root, "link"))))).toEqual(["cat/1.png"]);
  });
});

describe("names", () => {
  it("like __proto__, with newlines, of 300 characters and in any script are names like any other", async () => {
    const root = tempDir();
    const long = `${"d".repeat(150)}/${"n".repeat(150)}.png`;
    const classes = ["__proto__", "constructor", "a\nb", "猫", "e\u0301", "\u00e9", 'q"\\', " "];
    touch(root, ...classes.map((name) => `${name}/1.png`), `__proto__/${long}`, "__proto__/hasOwnProperty.png");
    const listing = await list(root);
    expect(listing.classes).toEqual(classes.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    for (const { key, label } of listing.items) expect(key.startsWith(`${listing.classes[label]}/`)).toBe(true);
    expect(listing.items.map(({ key }) => key)).toContain(`__proto__/${long}`);
  });

  it.skipIf(process.platform !== "linux")("that are not UTF-8 are left out and reported", async () => {
    const root = tempDir();
    touch(root, "cat/1.png");
    writeFileSync(Buffer.concat([Buffer.from(join(root, "cat/")), Buffer.of(0xff), Buffer.from(".png")]), "x");
    const listing = await list(root);
    expect(listing.ignored).toEqual([{ reason: "name-not-utf8", count: 1, examples: ["cat/\ufffd.png"] }]);
  });
});

describe("a source that is none", () => {
  it("is refused with the way out: missing, a file, empty, without images, without classes", async () => {
    const root = tempDir();
    await expect(list(join(root, "missing"))).rejects.toThrow(/missing: there is no such folder; check the path/u);
    await expect(list(root)).rejects.toThrow(/the folder is empty; expected one folder a class.*check the path/u);
    touch(root, "cat/notes.txt");
    await expect(list(root)).rejects.toThrow(/there is no image.*1 x not-an-image \(cat\/notes.txt\)/u);
    touch(root, "b.png", "a.png");
    await expect(list(root)).rejects.toThrow(/no classes: all 2 images.*found a.png; move the images/u);
    await expect(list(join(root, "a.png"))).rejects.toThrow(/a.png: is a file, not a folder.*name the folder/u);
    await expect(detectSourceKind(join(root, "a.png"))).rejects.toThrow(/is not a source that can be converted/u);
    expect(await detectSourceKind(root)).toBe("image-folder");
  });

  it.skipIf(process.getuid?.() === 0)("is refused if a folder may not be read", async () => {
    const root = tempDir();
    touch(root, "cat/1.png", "dog/1.png");
    chmodSync(join(root, "dog"), 0);
    await expect(list(root)).rejects.toThrow(/dog: cannot read the folder: permission denied/u);
  });

  it("stops listing when its signal says so", async () => {
    const root = tempDir();
    touch(root, "cat/1.png");
    const source = await openSource({ kind: "image-folder", root });
    await expect(source.list(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  });
});

describe("opening an item", () => {
  it("gives its bytes, or the first of them", async () => {
    const root = tempDir();
    writeFile(join(root, "cat/1.png"), "0123456789");
    const source = await openSource({ kind: "image-folder", root });
    const item = { path: "cat/1.png", key: "cat/1.png" };
    expect(Buffer.from(await source.open(item)).toString()).toBe("0123456789");
    expect(Buffer.from(await source.openHead(item, 4)).toString()).toBe("0123");
    expect(Buffer.from(await source.openHead(item, 99)).toString()).toBe("0123456789");
  });

  it("rejects what is gone, no file any more, or far too large, by key and reason", async () => {
    const root = tempDir();
    writeFile(join(root, "cat/large.png"), "");
    truncateSync(join(root, "cat/large.png"), 2 ** 29 + 1);
    mkdirSync(join(root, "cat/folder.png"));
    execFileSync("mkfifo", [join(root, "cat/pipe.png")]);
    const source = await openSource({ kind: "image-folder", root });
    const reasonOf = async (key: string): Promise<unknown> =>
      await source.open({ path: key, key }).catch((error: { detail: unknown }) => error.detail);
    expect(await reasonOf("cat/gone.png")).toMatchObject({ reason: "unreadable", key: "cat/gone.png" });
    expect(await reasonOf("cat/folder.png")).toMatchObject({ reason: "unreadable" });
    expect(await reasonOf("cat/pipe.png")).toMatchObject({ reason: "unreadable", problem: "is not a file" });
    expect(await reasonOf("cat/large.png")).toMatchObject({ reason: "too-large", found: String(2 ** 29 + 1) });
  });

  it("names the system's code and no path in the log, wherever the source lies", async () => {
    const root = tempDir();
    writeFile(join(root, "cat/1.png"), "x");
    symlinkSync("loop.png", join(root, "cat/loop.png"));
    const source = await openSource({ kind: "image-folder", root });
    for (const [key, code] of [
      ["cat/loop.png", "ELOOP"],
      [`cat/${"n".repeat(300)}.png`, "ENAMETOOLONG"],
    ] as const) {
      const detail = { key, reason: "unreadable", problem: `cannot read the file: ${code}` };
      await expect(source.open({ path: key, key })).rejects.toMatchObject({ code: "IMAGE", detail });
    }
  });
});
