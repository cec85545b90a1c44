import type { LoaderStats } from "@millrace/loader";

/** What the workers of a loader did during a run. */
export interface WorkersReport {
  /** Share of their time in which they fetched or prepared samples, 0..1. */
  readonly busyFraction: number;
  /** Share in which they waited for storage. */
  readonly fetchFraction: number;
  /** Share in which they decoded and transformed. */
  readonly prepFraction: number;
  /** Share in which they waited for room in the ring: they are faster than the loop. */
  readonly idleFraction: number;
  /** Share of the run in which the next batch lay ready: the occupancy of the ring. */
  readonly ringReadyFraction: number;
}

/** The part of a loader's stats that says what its workers do. */
export type LoaderCounters = Pick<LoaderStats, "wallMs" | "occupancyFraction" | "stages" | "numWorkers">;

/** The counters of a loader with worker threads; `undefined` for any other source of batches. */
export function readLoaderCounters(loader: unknown): LoaderCounters | undefined {
  const source = loader as { stats?: unknown } | null | undefined;
  if (typeof source?.stats !== "function") return undefined;
  const stats = source.stats() as Partial<LoaderStats> | null | undefined;
  const { wallMs, occupancyFraction, stages, numWorkers } = stats ?? {};
  if (typeof wallMs !== "number" || typeof occupancyFraction !== "number") return undefined;
  if (typeof stages?.fetchMs !== "number" || typeof numWorkers !== "number" || numWorkers < 1) return undefined;
  return { wallMs, occupancyFraction, stages, numWorkers };
}

/** What the workers did between two readings; `undefined` if no time passed. */
export function workersBetween(before: LoaderCounters, after: LoaderCounters): WorkersReport | undefined {
  const passed = (stage: keyof LoaderCounters["stages"]): number =>
    Math.max(0, after.stages[stage] - before.stages[stage]);
  const [fetchMs, prepMs, idleMs] = [passed("fetchMs"), passed("prepMs"), passed("idleMs")];
  const workerMs = fetchMs + prepMs + idleMs;
  const wallMs = after.wallMs - before.wallMs;
  if (!(workerMs > 0 && wallMs > 0)) return undefined;
  const readyMs = after.occupancyFraction * after.wallMs - before.occupancyFraction * before.wallMs;
  return {
    busyFraction: (fetchMs + prepMs) / workerMs,
    fetchFraction: fetchMs / workerMs,
    prepFraction: prepMs / workerMs,
    idleFraction: idleMs / workerMs,
    ringReadyFraction: Math.min(1, Math.max(0, readyMs / wallMs)),
  };
}
