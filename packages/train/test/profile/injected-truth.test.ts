import { openLoader } from "@millrace/loader";
import { profile, quantile, type ProfileReport } from "@millrace/train";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStripes } from "../training/stripes.js";

const FETCH_MS = 10;
const COMPUTE_MS = 20;
const BATCH_SIZE = 4;
const STEPS = 41;
const word = new Int32Array(new SharedArrayBuffer(4));

/** Takes `ms` without using the processor, as a device or a disk would, and notes what it really took. */
function take(ms: number, noted: number[]): void {
  const start = performance.now();
  Atomics.wait(word, 0, 0, ms);
  noted.push(performance.now() - start);
}

/** The median over the steps measured: a step that the machine held up does not count. */
function median(values: readonly number[]): number {
  return quantile(values.slice(-STEPS), 0.5);
}

/** `found` as a share of `truth`. */
function expectWithinTenth(found: number, truth: number): void {
  expect(found / truth).toBeGreaterThan(0.9);
  expect(found / truth).toBeLessThan(1.1);
}

function expectTruth(report: ProfileReport, computed: readonly number[]): void {
  expectWithinTenth(median(report.steps.map((step) => step.computeMs)), median(computed));
  expect(median(computed)).toBeGreaterThanOrEqual(COMPUTE_MS - 0.1);
  expect(median(report.steps.map((step) => step.otherMs / step.wallMs))).toBeLessThanOrEqual(0.05);
}

const folder = mkdtempSync(join(tmpdir(), "millrace-truth-"));

beforeAll(() => makeStripes(folder, { train: 200 }));

afterAll(() => rmSync(folder, { recursive: true }));

describe("profile against injected truth", () => {
  it("With an injected 20 ms compute and 10 ms fetch per step of a plain generator the budget names each within 10 %, other <= 5 % of wall", async () => {
    const fetched: number[] = [];
    const computed: number[] = [];
    const loader = (async function* (): AsyncGenerator<{ size: number }> {
      for (;;) {
        take(FETCH_MS, fetched);
        yield await Promise.resolve({ size: BATCH_SIZE });
      }
    })();
    const report = await profile({
      loader,
      step: () => take(COMPUTE_MS, computed),
      steps: STEPS,
      warmupSteps: 3,
      phases: false,
    });
    expectTruth(report, computed);
    expectWithinTenth(median(report.steps.map((step) => step.stallMs)), median(fetched));
    expect(median(fetched)).toBeGreaterThanOrEqual(FETCH_MS - 0.1);
    expect(report.budget.fetchStall).toBeUndefined();
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: undefined });
  });

  // On a machine that is busy with something else a sleep of 2.5 ms can take twice that; then another run decides.
  it(
    "With an injected 20 ms compute and 10 ms fetch per step the budget names each within 10 %, other <= 5 % of wall",
    { retry: 4 },
    async () => {
      const computed: number[] = [];
      const inject = { fetchMs: FETCH_MS / BATCH_SIZE };
      await using loader = await openLoader(folder, { batchSize: BATCH_SIZE, numWorkers: 0, inject });
      const step = (): void => take(COMPUTE_MS, computed);
      const report = await profile({ loader, step, steps: STEPS, warmupSteps: 3, phases: false });
      const { stages, batches } = loader.stats();
      const fetchMs = Math.max(FETCH_MS, stages.fetchMs / batches);
      expectTruth(report, computed);
      expectWithinTenth(report.budget.stall.sumMs / STEPS, fetchMs);
      expectWithinTenth((report.budget.fetchStall?.sumMs ?? 0) / STEPS, fetchMs);
      expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "fetch" });
    },
  );
});
