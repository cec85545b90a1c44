import { attributeSpans, type Span } from "@millrace/train";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

const span = (kind: Span["kind"], startMs: number, endMs: number): Span => ({ kind, startMs, endMs });

describe("attributeSpans", () => {
  it("gives parts that add up to the window, whatever the spans", () => {
    const kinds = ["stall", "copy", "compute", "backgroundCopy", "fetch", "prep"] as const;
    const time = fc.integer({ min: -50, max: 250 });
    const spans = fc.array(fc.tuple(fc.constantFrom(...kinds), time, time).map(([kind, a, b]) => span(kind, a, b)));
    fc.assert(
      fc.property(spans, (list) => {
        const step = attributeSpans(list, 0, 200);
        expect(step.stallMs + step.copyMs + step.computeMs + step.otherMs).toBeCloseTo(200, 9);
        const { stallMs, fetchStallMs = stallMs, prepStallMs = 0 } = step;
        expect(fetchStallMs + prepStallMs).toBeCloseTo(stallMs, 9);
      }),
      { seed: SEED, numRuns: count(200, 5000) },
    );
  });

  it("makes no part of a stall negative, however its rounding falls", () => {
    const time = fc.double({ min: 0, max: 100, noNaN: true });
    const spans = fc.array(
      fc.tuple(time, time).map(([a, b]) => span("fetch", a, b)),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(spans, time, (list, prepMs) => {
        const step = attributeSpans([...list, span("stall", 0, 100), span("prep", 100 - prepMs / 1e9, 100)], 0, 100);
        expect(step.prepStallMs ?? 0).toBeGreaterThanOrEqual(0);
        expect(step.fetchStallMs ?? 0).toBeGreaterThanOrEqual(0);
      }),
      { seed: SEED, numRuns: count(500, 5000) },
    );
  });

  it("divides each instant of a stall as the workers that were busy then", () => {
    const step = attributeSpans(
      [span("stall", 0, 30), span("fetch", 0, 10), span("fetch", 10, 20), span("prep", 10, 20), span("prep", 20, 30)],
      0,
      40,
    );
    expect(step).toMatchObject({ stallMs: 30, fetchStallMs: 15, prepStallMs: 15, otherMs: 10 });
  });

  it("weighs by the number of workers", () => {
    const step = attributeSpans(
      [span("stall", 0, 8), span("fetch", 0, 8), span("prep", 0, 8), span("prep", 0, 8), span("prep", 0, 8)],
      0,
      8,
    );
    expect(step).toMatchObject({ fetchStallMs: 2, prepStallMs: 6 });
  });

  it("pays no regard to what workers do while the consumer is not blocked", () => {
    const step = attributeSpans(
      [span("compute", 0, 20), span("prep", 0, 20), span("stall", 20, 30), span("fetch", 20, 30)],
      0,
      30,
    );
    expect(step).toMatchObject({ computeMs: 20, stallMs: 10, fetchStallMs: 10, prepStallMs: 0 });
  });

  it("shares instants of a stall in which no worker was busy like the rest", () => {
    const step = attributeSpans([span("stall", 0, 20), span("fetch", 5, 6), span("prep", 6, 9)], 0, 20);
    expect(step).toMatchObject({ stallMs: 20, fetchStallMs: 5, prepStallMs: 15 });
  });

  it("leaves a stall undivided if no worker was busy during all of it", () => {
    const step = attributeSpans([span("stall", 0, 20), span("prep", 30, 40)], 0, 50);
    expect(step).toMatchObject({ stallMs: 20, fetchStallMs: undefined, prepStallMs: undefined, otherMs: 30 });
  });
});
