import { resolveInside } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkLinks, pathsInside } from "../dist/safe-path.js";

describe("a path that data names", () => {
  it("resolves inside its folder, whether the file is there or not", () => {
    const root = tempDir();
    expect(resolveInside(root, "train/shard-00000.h5")).toBe(join(root, "train", "shard-00000.h5"));
  });

  it.each(["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "C:\\x", "a\\..\\b", "c:x", "a\0b"])(
    "is refused when it is %j",
    (name) => {
      expect(() => resolveInside(tempDir(), name)).toThrow(/MANIFEST|names the file/u);
      expect(() => pathsInside(tempDir(), ["train/shard-00000.h5", name])).toThrow(/names the file/u);
    },
  );

  it("is the same whether links are looked at or not", () => {
    const root = tempDir();
    const names = ["a", "a/b.c", "-x", ".hidden", "...", "a b/\u00e9", "a/.b", "xy:z", "a\nb"];
    expect(pathsInside(root, names)).toEqual(names.map((name) => join(root, name)));
    expect(names.map((name) => resolveInside(`${root}/./`, name))).toEqual(names.map((name) => join(root, name)));
    expect(pathsInside("/", ["a/b"])).toEqual([join("/", "a", "b")]);
  });

  it("is refused when a link leads out of the folder", () => {
    const root = tempDir();
    const outside = tempDir();
    writeFileSync(join(outside, "secret"), "x");
    symlinkSync(join(outside, "secret"), join(root, "shard.h5"));
    symlinkSync(outside, join(root, "train"));
    expect(() => resolveInside(root, "shard.h5")).toThrow(/link that leads out/u);
    expect(() => resolveInside(root, "train/secret")).toThrow(/link that leads out/u);
    for (const path of pathsInside(root, ["shard.h5", "train/secret"]))
      expect(() => checkLinks(root, path)).toThrow(/link that leads out/u);
  });

  it("is refused when a folder of a like name is what a link leads to", () => {
    const parent = tempDir();
    for (const name of ["root", "root-2"]) mkdirSync(join(parent, name));
    const root = join(parent, "root");
    symlinkSync(join(parent, "root-2"), join(root, "train"));
    expect(() => checkLinks(root, join(root, "train"))).toThrow(/names the file train, which is a link/u);
  });

  it("may lie in a folder that is a link itself", () => {
    const root = tempDir();
    writeFileSync(join(root, "x"), "x");
    const link = join(tempDir(), "link");
    symlinkSync(root, link);
    expect(resolveInside(link, "x")).toBe(join(link, "x"));
  });

  it("may follow a link that stays inside", () => {
    const root = tempDir();
    mkdirSync(join(root, "a"));
    writeFileSync(join(root, "a", "x"), "x");
    symlinkSync(join(root, "a"), join(root, "b"));
    expect(resolveInside(root, "b/x")).toBe(join(root, "b", "x"));
  });
});
