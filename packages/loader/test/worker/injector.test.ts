import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../dist/clock.js";
import { TokenBucket } from "../../dist/ring/token-bucket.js";
import { Injector, isCached } from "../../dist/worker/injector.js";
import type { Inject } from "@millrace/loader";

interface Given {
  readonly clock: Clock;
  readonly threadClock?: Clock;
  readonly isStopped?: () => boolean;
}

function createInjector(inject: Partial<Inject>, { clock, threadClock, isStopped = () => false }: Given): Injector {
  const all = { fetchMs: 0, prepMs: 0, bytesPerSec: undefined, cachedFraction: 0, ...inject };
  return new Injector({ setup: { inject: all, bucket: TokenBucket.allocate() }, clock, threadClock, isStopped });
}

describe("the injector", () => {
  it("keeps account: what one spin takes too long is taken off the next", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 30 }),
        (prepMs, samples, tick) => {
          let now = 0;
          // A coarse clock: each look at it takes a whole tick.
          const injector = createInjector({ prepMs }, { clock: { now: () => (now += tick) } });
          for (let sample = 1; sample <= samples; sample++) {
            injector.prepare();
            expect(Math.abs(injector.spent.prepMs - sample * prepMs)).toBeLessThanOrEqual(2 * tick);
          }
          expect(injector.spent.prepCpuMs).toBe(injector.spent.prepMs);
        },
      ),
      { seed: SEED },
    );
  });

  it("spins until the thread has had its CPU time, however much of the time others had the core", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 1, noNaN: true }), fc.integer({ min: 1, max: 20 }), (share, prepMs) => {
        let now = 0;
        const clock = { now: () => (now += 0.001) };
        // The thread's clock runs slower by the share of the core that it has.
        const injector = createInjector({ prepMs }, { clock, threadClock: { now: () => now * share } });
        for (let sample = 0; sample < 10; sample++) injector.prepare();
        expect(injector.spent.prepCpuMs).toBeCloseTo(10 * prepMs, 1);
        expect(injector.spent.prepMs * share).toBeCloseTo(10 * prepMs, 1);
      }),
      { seed: SEED, numRuns: 20 },
    );
  });

  it("puts off sleeps that are too short to keep, and makes up for them", () => {
    let looks = 0;
    const injector = createInjector({ fetchMs: 0.15 }, { clock: { now: () => looks++ } });
    for (let sample = 0; sample < 3; sample++) injector.fetch(sample, 100);
    expect(looks).toBe(0);
    injector.fetch(3, 100);
    expect([looks, injector.spent.fetchMs]).toEqual([2, 1]);
  });

  it("waits for its bytes, and for nothing that is cached", () => {
    let now = 1000;
    let looks = 0;
    const clock = {
      now: () => {
        looks++;
        return (now += 5);
      },
    };
    const inject = { bytesPerSec: 1e6, fetchMs: 1 };
    createInjector({ ...inject, cachedFraction: 1 }, { clock }).fetch(0, 1e4);
    expect(looks).toBe(0);
    const injector = createInjector(inject, { clock });
    injector.fetch(0, 1e4);
    expect([looks, injector.spent.fetchMs]).toEqual([4, 10]);
  });

  it("stops waiting where nobody wants it any more", () => {
    let looks = 0;
    const isStopped = (): boolean => looks++ > 0;
    const injector = createInjector({ fetchMs: 1e9 }, { clock: { now: () => 0 }, isStopped });
    injector.fetch(0, 1);
    expect(looks).toBe(2);
  });
});

describe("the samples that count as cached", () => {
  it("are a fixed share of any run of numbers, to a few samples", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 2 ** 32 - 3000 }),
        fc.integer({ min: 1, max: 2000 }),
        (fraction, first, length) => {
          let cached = 0;
          for (let sample = first; sample < first + length; sample++) if (isCached(sample, fraction)) cached++;
          expect(Math.abs(cached - fraction * length)).toBeLessThan(5);
        },
      ),
      { seed: SEED },
    );
  });
});
