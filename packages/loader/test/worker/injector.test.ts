import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Injector } from "../../dist/worker/injector.js";

describe("the injector", () => {
  it("keeps account: what one wait takes too long is taken off the next", () => {
    const waits = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 30 }), (list, tick) => {
        let now = 0;
        let spent = 0;
        // A coarse clock: each look at it takes a whole tick.
        const injector = new Injector({ now: () => (now += tick) });
        let due = 0;
        for (const ms of list) {
          const before = now;
          injector.spin(ms);
          spent += now - before - tick;
          due += ms;
          expect(Math.abs(spent - due)).toBeLessThanOrEqual(2 * tick);
        }
      }),
      { seed: SEED },
    );
  });

  it("puts off sleeps that are too short to keep, and makes up for them", () => {
    let looks = 0;
    const injector = new Injector({ now: () => looks++ });
    for (let i = 0; i < 4; i++) injector.sleep(0.1);
    expect(looks).toBe(0);
    injector.sleep(0.2);
    expect(looks).toBe(2);
  });
});
