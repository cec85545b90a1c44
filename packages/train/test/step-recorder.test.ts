import { attributeSpans, StepRecorder, type Span, type SpanKind, type StepTimes } from "@millrace/train";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HandClock } from "./hand-clock.js";

const KINDS: readonly SpanKind[] = ["stall", "copy", "compute", "backgroundCopy"];

/** What happens in a step: time passes, then a span begins or ends. */
type Event = readonly [afterMs: number, kind: SpanKind];

/** Replays events; a kind that is open is closed by its next event. Returns the steps and the spans as an observer sees them. */
function replay(events: readonly Event[], eventsAStep: number): { steps: StepTimes[]; spans: Span[]; endMs: number } {
  const clock = new HandClock(0);
  const recorder = new StepRecorder(clock);
  const openSince = new Map<SpanKind, number>();
  const spans: Span[] = [];
  const close = (kind: SpanKind): void => {
    recorder.end(kind);
    spans.push({ kind, startMs: openSince.get(kind) ?? 0, endMs: clock.now() });
    openSince.delete(kind);
  };
  recorder.startStep();
  events.forEach(([afterMs, kind], index) => {
    clock.pass(afterMs);
    if (openSince.has(kind)) close(kind);
    else {
      recorder.begin(kind);
      openSince.set(kind, clock.now());
    }
    if ((index + 1) % eventsAStep === 0) recorder.endStep();
  });
  clock.pass(1);
  for (const kind of openSince.keys()) close(kind);
  recorder.endStep();
  return { steps: recorder.log.steps(), spans, endMs: clock.now() };
}

const events = fc.array(fc.tuple(fc.double({ min: 0, max: 50, noNaN: true }), fc.constantFrom(...KINDS)), {
  maxLength: 60,
});

/** One step with some time in the loader, of which the batch reports what it is told to. */
function stalled(
  report: Parameters<StepRecorder["attributeStall"]>[0] | undefined,
  waitMs = 10,
): StepTimes | undefined {
  const clock = new HandClock(0);
  const recorder = new StepRecorder(clock);
  recorder.startStep();
  recorder.begin("stall");
  clock.pass(waitMs);
  recorder.end("stall");
  if (report !== undefined) recorder.attributeStall(report);
  recorder.endStep();
  return recorder.log.steps()[0];
}

describe("StepRecorder", () => {
  it("gives every step parts that add up to its wall time, and all steps together the time that passed", () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 9 }), (list, eventsAStep) => {
        const { steps, endMs } = replay(list, eventsAStep);
        for (const step of steps) expect(step.stallMs + step.copyMs + step.computeMs + step.otherMs).toBe(step.wallMs);
        const wallMs = steps.reduce((sum, step) => sum + step.wallMs, 0);
        expect(Math.abs(wallMs - endMs)).toBeLessThanOrEqual(1e-9 * (1 + endMs));
      }),
      { seed: SEED, numRuns: count(200, 5000) },
    );
  });

  it("finds the same owners while the run goes on as attributeSpans finds afterwards", () => {
    fc.assert(
      fc.property(events, (list) => {
        const { steps, spans, endMs } = replay(list, Number.MAX_SAFE_INTEGER);
        const [recorded] = steps;
        const attributed = attributeSpans(spans, 0, endMs);
        for (const part of ["stallMs", "copyMs", "computeMs", "otherMs", "overlappedCopyMs"] as const)
          expect(recorded?.[part]).toBeCloseTo(attributed[part], 9);
      }),
      { seed: SEED, numRuns: count(200, 5000) },
    );
  });

  it("gives an instant to the first of stall, copy, compute that is open", () => {
    const clock = new HandClock();
    const recorder = new StepRecorder(clock);
    recorder.startStep();
    clock.pass(1);
    recorder.begin("compute");
    clock.pass(2);
    recorder.begin("copy");
    clock.pass(4);
    recorder.begin("stall");
    clock.pass(8);
    recorder.end("stall");
    clock.pass(16);
    recorder.end("copy");
    clock.pass(32);
    recorder.end("compute");
    clock.pass(64);
    recorder.endStep();
    expect(recorder.log.steps()).toEqual([
      {
        wallMs: 127,
        stallMs: 8,
        copyMs: 20,
        computeMs: 34,
        otherMs: 65,
        overlappedCopyMs: 0,
        fetchStallMs: undefined,
        prepStallMs: undefined,
      },
    ]);
  });

  it("lists a copy in the background apart, where something else owns the time", () => {
    const clock = new HandClock();
    const recorder = new StepRecorder(clock);
    recorder.startStep();
    recorder.begin("backgroundCopy");
    clock.pass(3);
    recorder.begin("compute");
    clock.pass(5);
    recorder.end("backgroundCopy");
    clock.pass(7);
    recorder.end("compute");
    recorder.endStep();
    expect(recorder.log.steps()).toMatchObject([{ otherMs: 3, computeMs: 12, copyMs: 0, overlappedCopyMs: 5 }]);
  });

  it("takes the stall from what the batch reports, and gives the rest of the wait to other", () => {
    expect(stalled({ stallMs: 8, fetchStallMs: 2, prepStallMs: 6 })).toMatchObject({
      wallMs: 10,
      stallMs: 8,
      fetchStallMs: 2,
      prepStallMs: 6,
      otherMs: 2,
    });
  });

  it("believes no stall longer than what it measured, and keeps the proportion of its parts", () => {
    const report = { stallMs: 40, fetchStallMs: 10, prepStallMs: 30 };
    expect(stalled(report)).toMatchObject({ wallMs: 10, stallMs: 10, fetchStallMs: 2.5, prepStallMs: 7.5, otherMs: 0 });
  });

  it("does not guess the division of a stall that its source cannot divide", () => {
    expect(stalled(undefined)).toMatchObject({ stallMs: 10, fetchStallMs: undefined, prepStallMs: undefined });
    expect(stalled({ stallMs: 9 })).toMatchObject({ stallMs: 9, fetchStallMs: undefined, otherMs: 1 });
  });

  it("divides a stall of nothing into nothing", () => {
    const report = { stallMs: 0, fetchStallMs: 0, prepStallMs: 0 };
    expect(stalled(report)).toMatchObject({ stallMs: 0, fetchStallMs: 0, prepStallMs: 0, otherMs: 10 });
  });

  it("makes no part of a stall negative, however its rounding falls", () => {
    const ms = fc.double({ min: 0, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(ms, ms, ms, (stallMs, fetchStallMs, prepStallMs) => {
        const step = stalled({ stallMs, fetchStallMs, prepStallMs }, stallMs);
        const { fetchStallMs: fetchMs = 0, prepStallMs: prepMs = 0 } = step ?? {};
        expect(Math.min(fetchMs, prepMs)).toBeGreaterThanOrEqual(0);
      }),
      { seed: SEED, numRuns: count(5000, 100_000) },
    );
  });

  it("counts an interval in which the clock goes backwards as nothing, and says how many there were", () => {
    const clock = new HandClock();
    const recorder = new StepRecorder(clock);
    recorder.startStep();
    recorder.begin("compute");
    clock.pass(5);
    recorder.end("compute");
    clock.pass(-100);
    recorder.begin("compute");
    clock.pass(6);
    recorder.end("compute");
    recorder.endStep();
    expect(recorder.clockJumps).toBe(1);
    expect(recorder.log.steps()).toMatchObject([{ wallMs: 11, computeMs: 11 }]);
  });

  it("gives the time of a pause to no step", () => {
    const clock = new HandClock();
    const recorder = new StepRecorder(clock);
    recorder.startStep();
    clock.pass(1);
    recorder.endStep();
    clock.pass(100);
    recorder.pause();
    recorder.endStep();
    clock.pass(100);
    recorder.startStep();
    clock.pass(2);
    recorder.endStep();
    expect(recorder.log.steps().map((step) => step.wallMs)).toEqual([1, 2]);
  });

  it("counts the spans that it recorded", () => {
    const recorder = new StepRecorder(new HandClock());
    recorder.startStep();
    for (let span = 0; span < 5; span++) {
      recorder.begin("copy");
      recorder.end("copy");
    }
    expect(recorder.spans).toBe(5);
  });
});
