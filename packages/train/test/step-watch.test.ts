import { describe, expect, it } from "vitest";
import { StepWatch } from "../dist/step-watch.js";
import { rejection } from "./rejection.js";

describe("a watch over the waits of a run", () => {
  it("rejects with the reason if the signal aborts in the turn of the event loop between two steps", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    using watch = new StepWatch(60_000, controller.signal);
    let turn: Promise<void> | undefined;
    // A turn is due once the loop has gone on for long enough.
    while (turn === undefined) turn = watch.between();
    controller.abort(reason);
    expect(await rejection(turn)).toBe(reason);
    expect(() => watch.between()).toThrow(reason);
  });

  it("rejects a wait that begins after the abort, whatever becomes of the promise", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    using watch = new StepWatch(60_000, controller.signal);
    controller.abort(reason);
    for (const promise of [
      Promise.resolve(1),
      Promise.reject(new Error("of no interest")),
      new Promise(() => undefined),
    ])
      expect(await rejection(watch.wait(promise, "step", 0))).toBe(reason);
  });
});
