import { WorkerError } from "@millrace/formats";
import { describe, expect, it } from "vitest";
import { Deaths } from "../../dist/worker/deaths.js";

const error = new WorkerError({ problem: "died" });

describe("the account of dead workers", () => {
  it("quarantines a sample at its second death", () => {
    const deaths = new Deaths(2);
    expect(deaths.add(7, error)).toBe(true);
    expect(deaths.quarantined(7)).toBeUndefined();
    expect(deaths.add(7, error)).toBe(true);
    expect(deaths.quarantined(7)).toBe(error);
    expect(deaths.quarantined(8)).toBeUndefined();
  });

  it("gives up after the second death at no sample, and after many with no batch between", () => {
    const deaths = new Deaths(1);
    expect([deaths.add(-1, error), deaths.add(-1, error)]).toEqual([true, false]);
    deaths.progress();
    const verdicts = Array.from({ length: 9 }, (_, sample) => deaths.add(sample, error));
    expect(verdicts.indexOf(false)).toBe(8);
    deaths.progress();
    expect(deaths.add(99, error)).toBe(true);
  });
});
