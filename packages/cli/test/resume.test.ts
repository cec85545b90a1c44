import { readCheckpoint } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { interrupted, interruptedOnce, makeImages, uninterrupted } from "./interrupted-runs.js";

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

describe("a second signal", () => {
  it("ends the process at once, and what was saved before stays", async () => {
    const out = join(tempDir(), "run");
    const ended = await interruptedOnce(await makeImages(), out, { step: 3, signal: "SIGINT", second: "SIGTERM" });
    expect([ended.code, ended.stderr]).toEqual([null, expect.not.stringContaining("saved:")]);
    expect(["SIGINT", "SIGTERM"]).toContain(ended.killedBy);
    expect((await readCheckpoint(out)).step).toBeGreaterThanOrEqual(3);
  });
});
