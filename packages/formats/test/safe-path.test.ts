import { resolveInside } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

describe("a path that data names", () => {
  it("resolves inside its folder, whether the file is there or not", () => {
    const root = tempDir();
    expect(resolveInside(root, "train/shard-00000.h5")).toBe(join(root, "train", "shard-00000.h5"));
  });

  it.each(["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "C:\\x", "a\\..\\b", "c:x", "a\0b"])(
    "is refused when it is %j",
    (name) => {
      expect(() => resolveInside(tempDir(), name)).toThrow(/MANIFEST|names the file/u);
    },
  );

  it("is refused when a link leads out of the folder", () => {
    const root = tempDir();
    const outside = tempDir();
    writeFileSync(join(outside, "secret"), "x");
    symlinkSync(join(outside, "secret"), join(root, "shard.h5"));
    symlinkSync(outside, join(root, "train"));
    expect(() => resolveInside(root, "shard.h5")).toThrow(/link that leads out/u);
    expect(() => resolveInside(root, "train/secret")).toThrow(/link that leads out/u);
  });

  it("may follow a link that stays inside", () => {
    const root = tempDir();
    mkdirSync(join(root, "a"));
    writeFileSync(join(root, "a", "x"), "x");
    symlinkSync(join(root, "a"), join(root, "b"));
    expect(resolveInside(root, "b/x")).toBe(join(root, "b", "x"));
  });
});
