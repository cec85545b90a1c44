import { StepLog } from "@millrace/train";
import { describe, expect, it } from "vitest";

/** Step `n` of a log: `n` ms of compute, 1 ms of stall. */
function fill(log: StepLog, steps: number): StepLog {
  for (let n = 0; n < steps; n++) log.push(1, 0.25, 0.75, 0, n, 0, 0);
  return log;
}

describe("StepLog", () => {
  it("keeps the newest steps and sums up all", () => {
    const log = fill(new StepLog(100), 1000);
    expect(log.count).toBe(1000);
    expect(log.first).toBe(900);
    expect(log.steps().map((step) => step.computeMs)).toEqual(Array.from({ length: 100 }, (_, n) => 900 + n));
    expect(log.sums()).toMatchObject({ stallMs: 1000, fetchStallMs: 250, prepStallMs: 750, computeMs: 499_500 });
  });

  it("gives a range of steps, as far as it is kept", () => {
    const log = fill(new StepLog(10), 25);
    expect(log.steps(20, 23).map((step) => step.computeMs)).toEqual([20, 21, 22]);
    expect(log.steps(0, 17).map((step) => step.computeMs)).toEqual([15, 16]);
    expect(log.steps(30, 40)).toEqual([]);
  });

  it("grows as steps come, up to its capacity", () => {
    expect(fill(new StepLog(200), 150).steps()).toHaveLength(150);
    expect(fill(new StepLog(), 5000).steps()).toHaveLength(5000);
  });

  it("has no division in its sums if one step has none", () => {
    const log = fill(new StepLog(), 3);
    log.push(1, Number.NaN, Number.NaN, 0, 0, 0, 0);
    expect(log.sums()).toMatchObject({ stallMs: 4, fetchStallMs: undefined, prepStallMs: undefined });
  });
});
