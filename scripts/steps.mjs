import { performance } from "node:perf_hooks";

/** @typedef {import("./vitest-counts.mjs").Counts} Counts */

/**
 * One thing that `npm test` does.
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {() => Promise<Counts>} run
 * @property {boolean} [foundation] true if the steps after it mean nothing without it
 */

/**
 * A step that counts as one test: passed if it exits with 0.
 *
 * @param {string} name
 * @param {() => Promise<number>} command gives an exit code
 * @param {{ foundation?: boolean }} [options]
 * @returns {Step}
 */
export function check(name, command, { foundation = false } = {}) {
  return {
    name,
    foundation,
    run: async () => {
      const passed = (await command()) === 0;
      return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
    },
  };
}

/**
 * A step that throws has failed; the run goes on to its closing line.
 *
 * @param {Step} step
 * @param {(text: string) => void} write
 * @returns {Promise<Counts>}
 */
async function runStep(step, write) {
  try {
    return await step.run();
  } catch (error) {
    write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/**
 * Runs the steps in order, each under a heading and with its duration, and closes with one line
 * `N passed, N failed, N skipped`. Stops at the first step that fails; with `keepGoing` only at a foundation.
 *
 * @param {readonly Step[]} steps
 * @param {{ keepGoing?: boolean, write?: (text: string) => void }} [options] `write`: where the text goes, stdout unless told
 * @returns {Promise<number>} the exit code: 0, or 1 if anything failed
 */
export async function runSteps(steps, { keepGoing = false, write = (text) => process.stdout.write(text) } = {}) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  let notRun = "";
  for (const [position, step] of steps.entries()) {
    write(`\n== ${step.name}\n`);
    const startMs = performance.now();
    const counts = await runStep(step, write);
    const durationSec = ((performance.now() - startMs) / 1000).toFixed(1);
    for (const kind of /** @type {const} */ (["passed", "failed", "skipped"])) total[kind] += counts[kind];
    write(`== ${step.name}: ${counts.failed === 0 ? "ok" : "FAILED"} after ${durationSec} s\n`);
    if (counts.failed === 0) continue;
    failures.push(step.name);
    if (keepGoing && step.foundation !== true) continue;
    notRun = steps
      .slice(position + 1)
      .map((later) => later.name)
      .join(", ");
    break;
  }
  if (failures.length > 0) write(`\nFailed: ${failures.join(", ")}\n`);
  if (notRun !== "") write(`Not run: ${notRun}\n`);
  write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return failures.length === 0 ? 0 : 1;
}
