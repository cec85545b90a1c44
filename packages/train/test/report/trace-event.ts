import { expect } from "vitest";
import { z } from "zod";

const place = { pid: z.int(), tid: z.int(), name: z.string().min(1), cat: z.string().optional() };
const time = { ts: z.number().min(0) };

/**
 * What the Trace Event Format documents of the events that are written:
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
const TraceFile = z.strictObject({
  displayTimeUnit: z.enum(["ms", "ns"]),
  otherData: z.record(z.string(), z.unknown()),
  traceEvents: z.array(
    z.discriminatedUnion("ph", [
      z.strictObject({
        ...place,
        ...time,
        ph: z.literal("M"),
        name: z.enum(["process_name", "thread_name", "thread_sort_index"]),
        args: z.union([z.strictObject({ name: z.string() }), z.strictObject({ sort_index: z.int() })]),
      }),
      z.strictObject({
        ...place,
        ...time,
        ph: z.literal("X"),
        dur: z.number().min(0),
        args: z.record(z.string(), z.unknown()).optional(),
      }),
      z.strictObject({ ...place, ...time, ph: z.literal("C"), args: z.record(z.string(), z.number()) }),
      z.strictObject({
        ...place,
        ...time,
        ph: z.literal("i"),
        s: z.enum(["g", "p", "t"]),
        args: z.record(z.string(), z.unknown()).optional(),
      }),
    ]),
  ),
});

export type TraceFile = z.infer<typeof TraceFile>;
type TraceEvent = TraceFile["traceEvents"][number];
/** A slice of a track. */
export type Slice = Extract<TraceEvent, { ph: "X" }>;

/** Microseconds as the whole nanoseconds that a reader makes of them. */
function nanoseconds(microseconds: number): number {
  return Math.round(microseconds * 1000);
}

/**
 * Reads a trace as a viewer does: every event has the fields of the format, times never go back, the slices of a track
 * lie one in another or apart.
 */
export function readTrace(text: string): TraceFile {
  const trace = TraceFile.parse(JSON.parse(text));
  const events = trace.traceEvents.filter(({ ph }) => ph !== "M");
  for (const [index, { ts }] of events.entries()) expect(ts).toBeGreaterThanOrEqual(events[index - 1]?.ts ?? 0);
  const open = new Map<number, number[]>();
  for (const slice of slicesOf(trace)) {
    const start = nanoseconds(slice.ts);
    const end = start + nanoseconds(slice.dur);
    const ends = (open.get(slice.tid) ?? []).filter((outer) => outer > start);
    for (const outer of ends) expect(end).toBeLessThanOrEqual(outer);
    open.set(slice.tid, [...ends, end]);
  }
  return trace;
}

/** The slices, of one kind if that is given. */
export function slicesOf(trace: TraceFile, kind?: string): Slice[] {
  return trace.traceEvents.filter(
    (event): event is Slice => event.ph === "X" && (kind === undefined || event.cat === kind),
  );
}

/** The readings of a counter, in the order of time. */
export function readingsOf(trace: TraceFile, name: string): Readonly<Record<string, number>>[] {
  return trace.traceEvents.flatMap((event) => (event.ph === "C" && event.name === name ? [event.args] : []));
}

/** Names of the tracks by number. */
export function trackNames(trace: TraceFile): Map<number, string> {
  return new Map(
    trace.traceEvents.flatMap((event) =>
      event.ph === "M" && event.name === "thread_name" && "name" in event.args
        ? [[event.tid, event.args.name] as const]
        : [],
    ),
  );
}
