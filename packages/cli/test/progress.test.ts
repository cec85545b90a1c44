import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createProgress } from "../dist/progress.js";

class Screen extends Writable {
  text = "";
  constructor(readonly isTTY: boolean) {
    super();
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function onScreen(isTTY: boolean): { screen: Screen; io: Parameters<typeof createProgress>[0] } {
  const screen = new Screen(isTTY);
  return { screen, io: { stdout: new Screen(false), stderr: screen, signal: new AbortController().signal } };
}

describe("progress", () => {
  it("is a line at each tenth where there is no terminal", () => {
    const { screen, io } = onScreen(false);
    const progress = createProgress(io, "convert", false);
    for (let n = 0; n <= 1000; n++) progress.update(n, 1000, n > 500 ? "1 rejected" : "");
    progress.stop();
    const lines = screen.text.trim().split("\n");
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe("convert: 100 of 1000");
    expect(lines.at(-1)).toBe("convert: 1000 of 1000, 1 rejected");
  });

  it("says nothing when it shall be quiet", () => {
    const { screen, io } = onScreen(true);
    const progress = createProgress(io, "convert", true);
    progress.update(1, 2);
    progress.stop();
    expect(screen.text).toBe("");
  });

  it("gives the cursor of a terminal back, even if the job fails", () => {
    const { screen, io } = onScreen(true);
    const fail = (): void => {
      using progress = createProgress(io, "train", false);
      progress.update(1, 2);
      throw new Error("boom");
    };
    expect(fail).toThrow("boom");
    const times = (code: string): number => screen.text.split(`\u001b[?25${code}`).length;
    expect(times("h")).toBeGreaterThanOrEqual(times("l"));
  });
});
