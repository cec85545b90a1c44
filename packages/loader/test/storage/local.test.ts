import { isMillraceError } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LocalFiles } from "../../dist/storage/local.js";

function filesOf(count: number, maxOpen: number): LocalFiles {
  const dir = tempDir();
  const paths = Array.from({ length: count }, (_, i) => join(dir, String(i)));
  for (const [i, path] of paths.entries()) writeFileSync(path, Uint8Array.of(i, i + 1, i + 2, i + 3));
  return new LocalFiles(paths, maxOpen);
}

const openFiles = (): number => readdirSync("/proc/self/fd").length;

function codeOf(act: () => void): unknown {
  try {
    return act();
  } catch (error) {
    return isMillraceError(error) ? `${error.code} ${error.detail.byte ?? ""}` : error;
  }
}

describe("local files", () => {
  it("are read at any place into any place", () => {
    const files = filesOf(3, 2);
    const target = new Uint8Array(new SharedArrayBuffer(8));
    files.readInto(2, target, 3, 2, 1);
    files.readInto(0, target, 6, 1, 3);
    expect([...target]).toEqual([0, 0, 0, 3, 4, 0, 3, 0]);
    files.close();
  });

  it.skipIf(process.platform !== "linux")(
    "are kept open, up to a number, the one longest unread is closed first",
    () => {
      const files = filesOf(6, 2);
      const target = new Uint8Array(4);
      const before = openFiles();
      for (const file of [0, 1, 0, 2, 0, 3, 0, 4, 5]) {
        files.readInto(file, target, 0, 4, 0);
        expect(target[0]).toBe(file);
        expect(openFiles() - before).toBeLessThanOrEqual(2);
      }
      files.close();
      files.close();
      expect(openFiles()).toBe(before);
      files.readInto(3, target, 0, 4, 0);
      expect(target[0]).toBe(3);
      files.close();
    },
  );

  it("that end too early or are gone say so", () => {
    const files = filesOf(1, 1);
    const target = new Uint8Array(8);
    expect(codeOf(() => files.readInto(0, target, 0, 6, 1))).toBe("CORRUPT_SHARD 4");
    const gone = new LocalFiles([join(tempDir(), "none")], 1);
    expect(codeOf(() => gone.readInto(0, target, 0, 1, 0))).toBe("FILE ");
    files.close();
  });
});
