import { existsSync, readFileSync } from "node:fs";

/**
 * How many tests passed, failed and were skipped.
 *
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/**
 * Counts the tests in what vitest's `json` reporter wrote. A file that could not be run counts as one failed test, and
 * so does a run that failed in no test (an unhandled error, no test file found, no report).
 *
 * @param {string} reportFile
 * @param {number} exitCode of vitest
 * @returns {Counts}
 */
export function vitestCounts(reportFile, exitCode) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const files = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, "utf8")).testResults : [];
  for (const { status, assertionResults } of files) {
    let failed = 0;
    for (const test of assertionResults) {
      if (test.status === "passed") counts.passed++;
      else if (test.status === "failed") failed++;
      else counts.skipped++;
    }
    counts.failed += status === "failed" ? Math.max(1, failed) : failed;
  }
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}
