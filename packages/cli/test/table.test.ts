import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatTable } from "../dist/table.js";

describe("a table", () => {
  it("aligns text left and numbers right", () => {
    expect(
      formatTable(
        ["name", "n"],
        [
          ["a", "1"],
          ["long", "1,000"],
        ],
      ),
    ).toBe("name      n\na         1\nlong  1,000");
  });

  it("shows control characters of data as escapes", () => {
    expect(formatTable(["key"], [["a\u001b[2Jb"]])).toContain("a\\x1b[2Jb");
  });
});

describe("a size", () => {
  it("is shown in the largest unit that keeps it above 1", () => {
    expect([0, 1023, 1024, 1.5 * 2 ** 20, 2 ** 50].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.5 MiB",
      "1024.0 TiB",
    ]);
    expect(formatCount(1234567)).toBe("1,234,567");
  });
});
