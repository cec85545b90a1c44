import type { TraceSpan } from "../trace/span-log.js";

/** The values of a counter from a moment on, in ms of the clock of the run. */
export interface CounterReading {
  readonly ms: number;
  readonly values: Readonly<Record<string, number>>;
}

/**
 * How many batches lay ready, from when each was made until it was delivered. A batch that nobody took is not known of,
 * so the last ones of a run are missing.
 */
export function readyCounter(spans: readonly TraceSpan[]): CounterReading[] {
  const changes = spans
    .filter(({ kind }) => kind === "batch")
    .flatMap(({ endMs, values: [readyMs] }) => [
      { ms: Math.min(readyMs, endMs), by: 1 },
      { ms: endMs, by: -1 },
    ])
    .toSorted((a, b) => a.ms - b.ms || b.by - a.by);
  let batches = 0;
  return changes.map(({ ms, by }) => {
    batches += by;
    return { ms, values: { batches } };
  });
}

/** How many workers fetched and how many prepared samples, on average between two looks at them. */
export function workersCounter(spans: readonly TraceSpan[]): CounterReading[] {
  const looks = spans.filter(({ kind }) => kind === "workers");
  const readings = looks.map(({ startMs, values: [fetch, prep] }) => ({ ms: startMs, values: { fetch, prep } }));
  const last = looks.at(-1);
  if (last !== undefined) readings.push({ ms: last.endMs, values: { fetch: 0, prep: 0 } });
  return readings;
}
