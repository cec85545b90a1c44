import type { SpanKind } from "../step-recorder.js";
import type { StepTimes } from "../step-log.js";

/** What a worker of the loader is doing: reading from storage, or decoding and transforming. */
export type WorkerActivity = "fetch" | "prep";

/** Something that lasted from `startMs` to `endMs` of one clock: the consumer's doing, or a worker's. */
export interface Span {
  readonly kind: SpanKind | WorkerActivity;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Gives every instant of `[fromMs, toMs)` to its owner: the first of stall, copy, compute that is open, else `other`.
 * An instant of stall is shared between fetch and prep as the workers that were busy at that instant were; instants at
 * which none was busy are shared like the rest. Without any worker activity during a stall the division is unknown.
 * This is what the recorder does while the run goes on, from spans that were written down.
 */
export function attributeSpans(spans: readonly Span[], fromMs: number, toMs: number): StepTimes {
  const events = spans
    .flatMap((span) => {
      const startMs = Math.max(span.startMs, fromMs);
      const endMs = Math.min(span.endMs, toMs);
      return startMs < endMs
        ? [
            { atMs: startMs, kind: span.kind, by: 1 },
            { atMs: endMs, kind: span.kind, by: -1 },
          ]
        : [];
    })
    .toSorted((a, b) => a.atMs - b.atMs);
  const open = new Map<Span["kind"], number>();
  const isOpen = (kind: Span["kind"]): number => open.get(kind) ?? 0;
  const ms = { stall: 0, copy: 0, compute: 0, other: 0, overlapped: 0, fetch: 0, prep: 0 };
  let lastMs = fromMs;
  for (const event of [...events, { atMs: toMs, kind: undefined, by: 0 }]) {
    const passedMs = event.atMs - lastMs;
    lastMs = event.atMs;
    const owner = (["stall", "copy", "compute"] as const).find((kind) => isOpen(kind) > 0) ?? "other";
    ms[owner] += passedMs;
    if (owner !== "other" && isOpen("backgroundCopy") > 0) ms.overlapped += passedMs;
    const busy = isOpen("fetch") + isOpen("prep");
    if (owner === "stall" && busy > 0) {
      ms.fetch += (passedMs * isOpen("fetch")) / busy;
      ms.prep += (passedMs * isOpen("prep")) / busy;
    }
    if (event.kind !== undefined) open.set(event.kind, isOpen(event.kind) + event.by);
  }
  const busyMs = ms.fetch + ms.prep;
  const known = busyMs > 0 || ms.stall === 0;
  const fetchMs = busyMs > 0 ? Math.min(ms.stall, (ms.stall * ms.fetch) / busyMs) : 0;
  const prepMs = ms.stall - fetchMs;
  const stallMs = known ? fetchMs + prepMs : ms.stall;
  return {
    wallMs: stallMs + ms.copy + ms.compute + ms.other,
    stallMs,
    fetchStallMs: known ? fetchMs : undefined,
    prepStallMs: known ? prepMs : undefined,
    copyMs: ms.copy,
    computeMs: ms.compute,
    otherMs: ms.other,
    overlappedCopyMs: ms.overlapped,
  };
}
