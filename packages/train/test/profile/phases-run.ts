import { profile, type PhaseReport, type ProfileOptions, type ProfileReport } from "@millrace/train";

import { HandClock } from "../hand-clock.js";

import { FakeLoader, UNMEASURED, type FakeCosts } from "./fake-loader.js";
import { type Sized } from "./fake-iterables.js";

/** One worker that needs 4 ms of preparation for a sample, and data that cost next to nothing. */
export const PREP: FakeCosts = { numWorkers: 1, coldMs: 0.02, warmMs: 0.01, prepMs: 4 };

/** Profiles a fake loader against a step of `stepMs`. */
export async function run(
  costs: FakeCosts,
  stepMs: number,
  options: Partial<ProfileOptions<unknown>> = {},
): Promise<ProfileReport & { readonly fake: FakeLoader }> {
  const clock = new HandClock();
  const fake = new FakeLoader(clock, costs);
  const step = (): void => clock.pass(stepMs);
  const common = { loader: fake, step, fence: doNothing, steps: 40, warmupSteps: 5, clock, phases: { ...UNMEASURED } };
  return { ...(await profile<unknown>({ ...common, ...options })), fake };
}

export function phase(report: ProfileReport, name: PhaseReport["name"]): PhaseReport {
  const found = report.phases?.phases.find((one) => one.name === name);
  return found as PhaseReport;
}

export function rate(report: ProfileReport, name: PhaseReport["name"]): number {
  return phase(report, name).samplesPerSec ?? Number.NaN;
}

export function codes(report: ProfileReport): string[] {
  return report.warnings.map(({ code }) => code);
}

export function doNothing(): void {
  // A device that is done when the step is.
}

export function anotherBatch(): Sized {
  return { size: 10 };
}

/** Batches of 10 that cost `ms` each when they are asked for. */
export function asked(clock: HandClock, ms: number): AsyncIterable<Sized> {
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        clock.pass(ms);
        yield await Promise.resolve({ size: 10 });
      }
    },
  };
}
