import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than an engine takes to stop its threads. After this the work hangs in the system, and nothing can end it. */
const LEAVE_MS = 12_000;

/**
 * Waits for work that heeds `signal`, and leaves it behind if it has not settled some seconds after the signal's abort:
 * a read from a disk that does not answer never returns.
 * @throws what the work throws, or the signal's reason.
 */
export async function leaveWhenAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const settled = new AbortController();
  const left = leave(signal, settled.signal);
  // Each may fail when nobody waits for it any more.
  for (const promise of [work, left]) promise.catch(() => undefined);
  try {
    return await Promise.race([work, left]);
  } finally {
    settled.abort();
  }
}

async function leave(signal: AbortSignal, settled: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, "abort", { signal: settled });
  await sleep(LEAVE_MS, undefined, { signal: settled });
  throw signal.reason;
}
