import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../dist/ring/token-bucket.js";
import { Interleaver } from "./interleaver.js";

const rates = fc.double({ min: 1, max: 1e12, noNaN: true });
const starts = fc.double({ min: 0, max: 1e9, noNaN: true });

describe("the token bucket", () => {
  it("gives exactly its rate to those who wait for it, however long and by whatever pieces", () => {
    const takes = fc.array(fc.integer({ min: 1, max: 1e7 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(rates, starts, takes, (rate, start, list) => {
        const bucket = new TokenBucket(TokenBucket.allocate(), rate);
        let now = start;
        let bytes = 0;
        for (const taken of list) {
          now += bucket.take(taken, now);
          bytes += taken;
        }
        // The first moment counts from the whole millisecond before; then only the clock's own digits are lost.
        const error = Math.abs(now - start - (bytes / rate) * 1000);
        expect(error).toBeLessThanOrEqual(1 + now * 1e-9);
      }),
      { seed: SEED },
    );
  });

  it("never gives more than its rate and a burst of 10 ms, whoever takes when", () => {
    const visits = fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 50_000 }), idleMs: fc.nat(40) }), {
      minLength: 2,
      maxLength: 100,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 1e8 }), visits, (rate, list) => {
        const shared = TokenBucket.allocate();
        const workers = [new TokenBucket(shared, rate), new TokenBucket(shared, rate)];
        let now = 5000;
        const given: { readonly at: number; readonly bytes: number }[] = [];
        for (const [i, { bytes, idleMs }] of list.entries()) {
          now += idleMs;
          const waitMs = (workers[i % 2] as TokenBucket).take(bytes, now);
          given.push({ at: now + waitMs, bytes });
        }
        for (let from = 0; from < given.length; from += 7) {
          let bytes = 0;
          for (const { at, bytes: some } of given.slice(from + 1)) {
            bytes += some;
            const most = ((at - (given[from] as { at: number }).at + 10) * rate) / 1000;
            expect(bytes).toBeLessThanOrEqual(most + 2);
          }
        }
      }),
      { seed: SEED },
    );
  });

  it("loses nothing where another worker takes between any two steps of this one", () => {
    for (let pause = 0; pause < 6; pause++) {
      const shared = TokenBucket.allocate();
      const mine = new TokenBucket(shared, 1000);
      const other = new TokenBucket(shared, 1000);
      let waitMs = 0;
      const interleaver = new Interleaver([pause], () => (waitMs = Math.max(waitMs, other.take(70, 100))));
      waitMs = Math.max(waitMs, mine.take(30, 100));
      interleaver.remove();
      expect([pause, Math.max(waitMs, mine.take(0, 100))]).toEqual([pause, waitMs === 30 ? 30 : 100]);
    }
  });

  it("starts empty, and saves up no more than 10 ms of what nobody takes", () => {
    const bucket = new TokenBucket(TokenBucket.allocate(), 1e6);
    expect(bucket.take(1000, 0)).toBe(1);
    expect(bucket.take(10_000, 1e5)).toBe(0);
    expect(bucket.take(2000, 1e5)).toBe(2);
  });
});
