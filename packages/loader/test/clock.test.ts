import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { createSystemClock } from "../dist/clock.js";

const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
import(workerData).then(({ createSystemClock }) => {
  const clock = createSystemClock();
  parentPort.on("message", () => parentPort.postMessage(clock.now()));
  parentPort.postMessage(0);
});`;

/** The offset of a thread's clock is measured to within the time of one call. */
const CALIBRATION_MS = 1;

it("the clock never goes back, and reads the same time in every thread", async () => {
  const clock = createSystemClock();
  const worker = new Worker(PROGRAM, { eval: true, workerData: new URL("../dist/clock.js", import.meta.url).href });
  const answer = (): Promise<number> => new Promise((resolve) => worker.once("message", resolve));
  await answer();
  let last = clock.now();
  for (let i = 0; i < 100; i++) {
    const asked = clock.now();
    const answered = answer();
    worker.postMessage(0);
    const there = await answered;
    const back = clock.now();
    expect(asked).toBeGreaterThanOrEqual(last);
    expect(there).toBeGreaterThan(asked - CALIBRATION_MS);
    expect(there).toBeLessThan(back + CALIBRATION_MS);
    last = back;
  }
  await worker.terminate();
});
