import { profile, type ProfileOptions, type ProfileReport } from "@millrace/train";
import type { HandClock } from "../hand-clock.js";

/** A batch that says how long it was waited for. */
export interface FakeBatch {
  readonly size: number;
  readonly stall?: { readonly stallMs: number; readonly fetchStallMs: number; readonly prepStallMs: number };
}

/** Batches that take 10 ms to fetch, on a clock that is moved by hand. */
export async function* fetching(clock: HandClock, batches: number): AsyncGenerator<FakeBatch> {
  for (let n = 0; n < batches; n++) {
    clock.pass(10);
    yield await Promise.resolve({ size: 4, stall: { stallMs: 10, fetchStallMs: 8, prepStallMs: 2 } });
  }
}

/** Profiles 30 steps of 20 ms on such batches. */
export function run(options: Partial<ProfileOptions<FakeBatch>> & { clock: HandClock }): Promise<ProfileReport> {
  return profile<FakeBatch>({
    loader: fetching(options.clock, 1000),
    step: () => options.clock.pass(20),
    steps: 30,
    warmupSteps: 5,
    phases: false,
    ...options,
  });
}

/** A promise that never resolves. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
