import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { check, runSteps } from "../steps.mjs";
import { vitestCounts } from "../vitest-counts.mjs";

/**
 * @param {readonly import("../steps.mjs").Step[]} steps
 * @param {{ keepGoing?: boolean }} [options]
 */
async function outcome(steps, options) {
  let text = "";
  const code = await runSteps(steps, { ...options, write: (more) => void (text += more) });
  return { code, lines: text.trimEnd().split("\n") };
}

/** @param {unknown} testResults */
function reportFile(testResults) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "vitest.json");
  writeFileSync(file, JSON.stringify({ testResults }));
  return file;
}

/** @param {readonly string[]} states */
const tests = (...states) => states.map((status) => ({ status }));

describe("runSteps", () => {
  const good = check("good", () => Promise.resolve(0));
  const bad = check("bad", () => Promise.resolve(3));
  const many = { name: "many", run: () => Promise.resolve({ passed: 5, failed: 0, skipped: 2 }) };

  it("adds the counts of all steps and closes with one line", async () => {
    const { code, lines } = await outcome([good, many]);
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe("6 passed, 0 failed, 2 skipped");
  });

  it("stops at the first step that fails and names it and what did not run", async () => {
    const { code, lines } = await outcome([good, bad, many, good]);
    expect(code).toBe(1);
    expect(lines.slice(-4)).toEqual(["Failed: bad", "Not run: many, good", "", "1 passed, 1 failed, 0 skipped"]);
  });

  it("goes on after a failure when told to, but not without a foundation", async () => {
    const foundation = check("build", () => Promise.resolve(1), { foundation: true });
    const all = await outcome([bad, many], { keepGoing: true });
    expect([all.code, all.lines.at(-1)]).toEqual([1, "5 passed, 1 failed, 2 skipped"]);
    const none = await outcome([foundation, many], { keepGoing: true });
    expect([none.code, none.lines.at(-1)]).toEqual([1, "0 passed, 1 failed, 0 skipped"]);
  });
});

describe("vitestCounts", () => {
  it("counts tests by their state, and what is neither passed nor failed as skipped", () => {
    const file = reportFile([
      { status: "passed", assertionResults: tests("passed", "passed", "skipped", "pending", "todo") },
      { status: "failed", assertionResults: tests("passed", "failed", "failed") },
    ]);
    expect(vitestCounts(file, 1)).toEqual({ passed: 3, failed: 2, skipped: 3 });
  });

  it("counts a file that could not be run as one failed test", () => {
    const file = reportFile([{ status: "failed", assertionResults: [] }]);
    expect(vitestCounts(file, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it("never reports success for a run that failed", () => {
    const file = reportFile([{ status: "passed", assertionResults: tests("passed") }]);
    expect(vitestCounts(file, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
    expect(vitestCounts(join(file, "none"), 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});
