import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "millrace-demo-"));
const clone = join(folder, "millrace");
const home = join(folder, "home");

/** Node, npm and the system's own programs: nothing of this user, no Python environment. */
const ENV = { HOME: home, PATH: [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter) };

describe("Fresh clone, empty HOME, no Python", () => {
  beforeAll(() => {
    mkdirSync(home);
    execFileSync("git", ["clone", "--quiet", ROOT, clone]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(["hdf5", "arrow"])(
    "npm run demo (%s): exit 0, accuracy >= 0.975 on the 2,000, a time budget, a report",
    (format) => {
      const args = ["run", "demo", "--", "--format", format];
      const text = execFileSync("npm", args, { cwd: clone, env: ENV, encoding: "utf8", maxBuffer: 2 ** 26 });
      const accuracy = Number(/validation accuracy +(\d\.\d+) on 2,000 digits/u.exec(text)?.[1]);
      expect(accuracy).toBeGreaterThanOrEqual(0.975);
      const report = /report +(\S+report\.html)/u.exec(text)?.[1] ?? "";
      expect(existsSync(report)).toBe(true);
      expect(readFileSync(report, "utf8")).toMatch(/^<!doctype html>/iu);
      expect(text).toMatch(/time budget +[\d.]+ s: stall [\d.]+ %, copy [\d.]+ %, compute [\d.]+ %, other [\d.]+ %/u);
      process.stdout.write(`demo ${format}: accuracy ${accuracy}, ${/all of it +(\d+ s)/u.exec(text)?.[1]}\n`);
    },
  );
});
