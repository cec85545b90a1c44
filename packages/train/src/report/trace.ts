import { constants } from "node:perf_hooks";
import type { SpanLog, TraceKind, TraceSpan } from "../trace/span-log.js";
import type { Report } from "./report.js";
import { verdictSentence } from "./sentence.js";
import { readyCounter, workersCounter, type CounterReading } from "./trace-counters.js";

/** The one process of the trace. */
const PID = 1;
/** The tracks, as threads from the top. */
const TRACKS = ["training loop", "copies in the background", "waits for batches", "garbage collection"] as const;
const LOOP = 1;
const TRACK_OF: Readonly<Partial<Record<TraceKind, number>>> = { backgroundCopy: 2, batch: 3, gc: 4 };

const GC_NAMES: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "scavenge"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "mark and compact"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental marking"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak callbacks"],
]);

/** An event of the format; `ts` and `dur` are microseconds. */
interface TraceEvent {
  readonly name: string;
  /** Metadata, a complete event, a counter, an instant. */
  readonly ph: "M" | "X" | "C" | "i";
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly cat?: string;
  /** Scope of an instant: the process. */
  readonly s?: "p";
  readonly args?: Readonly<Record<string, unknown>>;
}

/**
 * A run as a trace for ui.perfetto.dev or chrome://tracing: each step with the owners of its time within it, copies in
 * the background, waits for batches, garbage collections, deaths of workers, and as counters the batches that lay ready
 * and the workers at work. Times count from the first event. One JSON document in the Trace Event Format
 * (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
 * @param spans - What {@link profile} or {@link train} wrote for the option `spans`; the newest, if there were too many.
 */
export function reportToTrace(report: Report, spans: SpanLog): string {
  const kept = spans.spans();
  const timeline = new Timeline(kept.reduce((first, { startMs }) => Math.min(first, startMs), Infinity));
  const steps = stepArguments(report);
  const events = [
    ...kept.flatMap((span) => timeline.event(span, steps)),
    ...timeline.counters("batches ready", readyCounter(kept)),
    ...timeline.counters("workers at work", workersCounter(kept)),
  ];
  // What begins first comes first, and of two that begin together the one that holds the other.
  events.sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
  const used = new Set(events.map(({ tid }) => tid));
  const names = TRACKS.flatMap((name, index) => (used.has(index + 1) ? trackNames(name, index + 1) : []));
  const process = metadata("process_name", 0, { name: `millrace ${report.kind}` });
  const lines = [process, ...names, ...events].map((event) => JSON.stringify(event));
  const otherData = JSON.stringify({
    verdict: verdictSentence(report),
    facts: report.facts,
    droppedSpans: spans.count - kept.length,
  });
  return `{"displayTimeUnit":"ms","otherData":${otherData},"traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}

function metadata(name: string, tid: number, args: TraceEvent["args"] & object): TraceEvent {
  return { name, ph: "M", pid: PID, tid, ts: 0, args };
}

function trackNames(name: string, tid: number): TraceEvent[] {
  return [metadata("thread_name", tid, { name }), metadata("thread_sort_index", tid, { sort_index: tid })];
}

/** What a click on a step shows: its number, its parts, and the cause if it was a straggler. */
function stepArguments({ budget, steps }: Report): (step: number) => Record<string, unknown> {
  const first = budget.steps - steps.length;
  const stragglers = new Map(budget.stragglers.map((straggler) => [straggler.step, straggler]));
  return (step) => {
    const { excessMs, cause } = stragglers.get(step) ?? {};
    return { step, ...steps[step - first], excessMs, cause };
  };
}

/** Times of the run as times of the trace. */
class Timeline {
  constructor(readonly originMs: number) {}

  /** Microseconds in whole nanoseconds, so that spans that meet still meet when a reader has rounded them. */
  #ts(ms: number): number {
    return Math.max(0, Math.round((ms - this.originMs) * 1e6)) / 1000;
  }

  event(span: TraceSpan, steps: (step: number) => Record<string, unknown>): TraceEvent[] {
    const { kind, startMs, endMs, values } = span;
    const [first, second] = values;
    const ts = this.#ts(startMs);
    const place = { pid: PID, tid: TRACK_OF[kind] ?? LOOP, ts };
    const complete = (name: string, args?: Record<string, unknown>): TraceEvent[] => {
      const dur = Math.round(this.#ts(endMs) * 1000 - ts * 1000) / 1000;
      return [{ name, ph: "X", ...place, dur, cat: kind, ...(args === undefined ? {} : { args }) }];
    };
    switch (kind) {
      case "workers":
        return [];
      case "workerDeath":
        return [{ name: "worker died", ph: "i", ...place, s: "p", cat: kind, args: { worker: first, sample: second } }];
      case "step":
        return complete("step", steps(first));
      case "batch":
        return complete("batch", { step: second, readyMs: first - this.originMs });
      case "gc":
        return complete(GC_NAMES.get(first) ?? "garbage collection");
      default:
        return complete(kind === "backgroundCopy" ? "copy" : kind);
    }
  }

  counters(name: string, readings: readonly CounterReading[]): TraceEvent[] {
    return readings.map(({ ms, values }) => ({ name, ph: "C", pid: PID, tid: 0, ts: this.#ts(ms), args: values }));
  }
}
