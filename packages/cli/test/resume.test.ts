import { describe, expect, it } from "vitest";
import { interrupted, makeImages, uninterrupted } from "./interrupted-runs.js";

describe("train --resume", () => {
  it("after SIGKILL and after Ctrl-C ends with the bits of a run that nothing interrupted", async () => {
    const shards = await makeImages();
    const whole = await uninterrupted(shards, "wasm");
    const parts = await interrupted(shards, "wasm", [
      { step: 6, signal: "SIGKILL" },
      { step: 15, signal: "SIGINT" },
    ]);
    expect(parts).toEqual(whole);
  });
});
