import { profile, quantile, type ProfileReport, type StepTimes } from "@millrace/train";
import { describe, expect, it } from "vitest";

const FETCH_MS = 10;
const COMPUTE_MS = 20;
const word = new Int32Array(new SharedArrayBuffer(4));

/** Takes `ms` without using the processor, and without the delay of a busy event loop. */
function take(ms: number): void {
  Atomics.wait(word, 0, 0, ms);
}

/** The median over the steps: one step that the machine held up does not count. */
function median(report: ProfileReport, of: (step: StepTimes) => number): number {
  return quantile(report.steps.map(of), 0.5);
}

function within(found: number, truth: number): void {
  expect(found).toBeGreaterThan(truth * 0.9);
  expect(found).toBeLessThan(truth * 1.1);
}

function expectTruth(report: ProfileReport): void {
  within(
    median(report, (step) => step.stallMs),
    FETCH_MS,
  );
  within(
    median(report, (step) => step.computeMs),
    COMPUTE_MS,
  );
  expect(median(report, (step) => step.otherMs / step.wallMs)).toBeLessThanOrEqual(0.05);
}

describe("profile against injected truth", () => {
  it("With an injected 20 ms compute and 10 ms fetch per step of a plain generator the budget names each within 10 %, other <= 5 % of wall", async () => {
    const loader = (async function* (): AsyncGenerator<{ size: number }> {
      for (;;) {
        take(FETCH_MS);
        yield await Promise.resolve({ size: 4 });
      }
    })();
    const report = await profile({ loader, step: () => take(COMPUTE_MS), steps: 41, warmupSteps: 3 });
    expectTruth(report);
    expect(report.budget.fetchStall).toBeUndefined();
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: undefined });
  });
});
