import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

describe.each(["hdf5", "arrow"])("npm run demo -- --format %s", (format) => {
  it("exits with 0, with an accuracy >= 0.975 on the 2,000 and a report", () => {
    const text = execFileSync(process.execPath, ["examples/mnist/demo.mjs", "--format", format], {
      cwd: ROOT,
      encoding: "utf8",
    });
    const accuracy = Number(/validation accuracy +(\d\.\d+) on 2,000 digits/u.exec(text)?.[1]);
    expect(accuracy).toBeGreaterThanOrEqual(0.975);
    const report = /report +(\S+report\.html)/u.exec(text)?.[1] ?? "";
    expect(existsSync(report)).toBe(true);
    expect(readFileSync(report, "utf8")).toMatch(/^<!doctype html>/iu);
    expect(text).toMatch(/time budget +[\d.]+ s: stall [\d.]+ %, copy [\d.]+ %, compute [\d.]+ %, other [\d.]+ %/u);
  });
});
