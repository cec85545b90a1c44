import {
  formatReport,
  parseReport,
  reportToHtml,
  reportToJson,
  type FailureReport,
  type ProfileOptions,
} from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { rejection } from "../rejection.js";
import { fetching, never, run, type FakeBatch } from "./fake-run.js";

/** Throws in one step. */
function throwIn(bad: number): NonNullable<ProfileOptions<FakeBatch>["step"]> {
  return (_, { step }) => {
    if (step === bad) throw new TypeError("no such tensor");
  };
}

/** Gives some batches, then throws. */
function* breaking(good: number): Generator<FakeBatch> {
  for (let batch = 0; batch < good; batch++) yield { size: 1 };
  throw new RangeError("bad sector");
}

describe("a run that fails, with onFailure: report", () => {
  const cases: readonly [string, Partial<ProfileOptions<FakeBatch>>, FailureReport, number][] = [
    [
      "a step that throws",
      { step: throwIn(25) },
      { step: 25, code: "BACKEND", reason: "STEP_THREW", text: expect.stringContaining("no such tensor") as string },
      25,
    ],
    [
      "a step that never resolves",
      { step: (_, { step }) => (step === 3 ? never() : undefined), deadlineMs: 20 },
      { step: 3, code: "BACKEND", reason: "STEP_OVERDUE", text: expect.stringContaining("within 20 ms") as string },
      3,
    ],
    [
      "a step that throws while warming up",
      { step: throwIn(-2) },
      { step: -2, code: "BACKEND", reason: "STEP_THREW", text: expect.stringContaining("step -2 threw") as string },
      0,
    ],
    ["a loader that throws", { loader: breaking(12) }, { step: 7, text: "bad sector" }, 7],
    [
      "a loader that yields nothing",
      { loader: [] },
      { step: -5, code: "OPTION", text: expect.stringContaining("yields no batch") as string },
      0,
    ],
    [
      "a loader that ends while warming up",
      { loader: fetching(new HandClock(), 4) },
      { step: -1, code: "OPTION", text: expect.stringContaining("ended after 4 batches") as string },
      0,
    ],
  ];

  it.each(cases)("%s is stated in the report of the steps before", async (_, options, failure, steps) => {
    const clock = new HandClock();
    const report = await run({ onFailure: "report", phases: true, ...options, clock });
    expect(report.failure).toMatchObject(failure);
    expect(report.budget.steps).toBe(steps);
    expect(report.warnings.find(({ code }) => code === "failed")?.text).toContain(report.failure?.text);
    const kind = steps < 20 ? "undecided" : "input-bound";
    expect(report.verdict).toMatchObject({ kind, stepsNeeded: steps < 20 ? 20 : undefined });
    expect(report.phases).toBeUndefined();
    expect(parseReport(reportToJson(report))).toEqual(JSON.parse(JSON.stringify(report)));
    const where = failure.step < 0 ? "the run failed in the warm-up" : `the run failed at step ${failure.step}`;
    expect(formatReport(report).split("\n")[0]).toContain(where);
    expect(reportToHtml(report)).toContain(where);
  });

  it("an abort by the caller is thrown all the same", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    expect(await rejection(run({ clock: new HandClock(), onFailure: "report", signal }))).toBe(reason);
  });
});
