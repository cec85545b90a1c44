import { OptionError } from "@millrace/formats";
import { SEED } from "@millrace/testkit";
import { SpanLog, StepRecorder, TRACE_KINDS, type TraceKind } from "@millrace/train";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";

/** Kind, length in ms and number of a span that is to be recorded. */
const anySpan = fc.tuple(fc.constantFrom<TraceKind>(...TRACE_KINDS), fc.nat(1000), fc.nat(1000));

describe("SpanLog", () => {
  it("gives back the newest spans in the order in which they were recorded, and counts all", () => {
    fc.assert(
      fc.property(fc.array(anySpan, { maxLength: 50 }), fc.integer({ min: 1, max: 20 }), (list, capacity) => {
        const log = new SpanLog(capacity);
        const written = list.map(([kind, ms, number], index) => {
          log.record(kind, index, index + ms, number, -number);
          return { kind, startMs: index, endMs: index + ms, values: [number, -number] };
        });
        expect(log.count).toBe(list.length);
        expect(log.spans()).toEqual(written.slice(-capacity));
      }),
      { seed: SEED },
    );
  });

  it("joins what goes on where the newest span of the same kind ends, and nothing else", () => {
    const log = new SpanLog(10);
    log.extend("stall", 0, 1);
    log.extend("stall", 1, 2);
    log.extend("copy", 2, 3);
    log.extend("copy", 4, 5);
    log.record("step", 0, 5, 7);
    log.extend("copy", 5, 6);
    expect(log.spans().map(({ kind, startMs, endMs }) => [kind, startMs, endMs])).toEqual([
      ["stall", 0, 2],
      ["copy", 2, 3],
      ["copy", 4, 5],
      ["step", 0, 5],
      ["copy", 5, 6],
    ]);
  });

  it("does not join a span to one that was forgotten", () => {
    const log = new SpanLog(4);
    log.extend("stall", 0, 1);
    log.clear();
    expect(log.spans()).toEqual([]);
    log.extend("stall", 1, 2);
    expect(log.spans()).toEqual([{ kind: "stall", startMs: 1, endMs: 2, values: [0, 0] }]);
  });

  it("refuses a capacity that is no whole number from 1", () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) {
      expect(() => new SpanLog(capacity)).toThrow(OptionError);
      expect(() => new SpanLog(capacity)).toThrow(/capacity.*a whole number from 1/u);
    }
  });
});

describe("StepRecorder with a SpanLog", () => {
  it("writes each step and, within it, who owned its time, without a gap", () => {
    const clock = new HandClock(0);
    const log = new SpanLog();
    const recorder = new StepRecorder(clock, undefined, log);
    recorder.startStep();
    for (let step = 0; step < 2; step++) {
      clock.pass(1);
      recorder.begin("stall");
      clock.pass(2);
      recorder.end("stall");
      recorder.begin("compute");
      clock.pass(4);
      recorder.begin("copy");
      clock.pass(8);
      recorder.end("copy");
      clock.pass(16);
      recorder.end("compute");
      recorder.endStep();
    }
    const expected = [0, 1].flatMap((step) => [
      ["other", 31 * step, 31 * step + 1, 0],
      ["stall", 31 * step + 1, 31 * step + 3, 0],
      ["compute", 31 * step + 3, 31 * step + 7, 0],
      ["copy", 31 * step + 7, 31 * step + 15, 0],
      ["compute", 31 * step + 15, 31 * step + 31, 0],
      ["step", 31 * step, 31 * step + 31, step],
    ]);
    const found = log.spans().map(({ kind, startMs, endMs, values }) => [kind, startMs, endMs, values[0]]);
    expect(found).toEqual(expected);
  });

  it("writes a copy in the background from its first beginning to its last end", () => {
    const clock = new HandClock(0);
    const log = new SpanLog();
    const recorder = new StepRecorder(clock, undefined, log);
    recorder.startStep();
    recorder.begin("backgroundCopy");
    clock.pass(1);
    recorder.begin("backgroundCopy");
    clock.pass(1);
    recorder.end("backgroundCopy");
    recorder.endStep();
    clock.pass(1);
    recorder.end("backgroundCopy");
    expect(log.spans().filter(({ kind }) => kind === "backgroundCopy")).toEqual([
      { kind: "backgroundCopy", startMs: 0, endMs: 3, values: [0, 0] },
    ]);
  });

  it("writes nothing of a pause, and no interval in which the clock goes backwards", () => {
    const clock = new HandClock(100);
    const log = new SpanLog();
    const recorder = new StepRecorder(clock, undefined, log);
    recorder.startStep();
    clock.pass(1);
    recorder.endStep();
    recorder.pause();
    clock.pass(50);
    recorder.begin("compute");
    recorder.end("compute");
    recorder.startStep();
    clock.pass(-20);
    recorder.begin("compute");
    clock.pass(2);
    recorder.end("compute");
    recorder.endStep();
    expect(log.spans().map(({ kind, startMs, endMs }) => [kind, startMs, endMs])).toEqual([
      ["other", 100, 101],
      ["step", 100, 101],
      ["compute", 131, 133],
      ["step", 151, 133],
    ]);
  });
});
