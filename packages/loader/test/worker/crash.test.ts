import { expect, it } from "vitest";
import { crashOf } from "../../dist/worker/crash.js";

const circular: unknown[] = [];
circular.push({ circular });

it.each([
  [new TypeError("boom"), "worker 2 died at sample number 7: boom"],
  [undefined, "worker 2 died at sample number 7: undefined"],
  [null, "worker 2 died at sample number 7: null"],
  [3n, "worker 2 died at sample number 7: 3"],
  [{ circular }, "worker 2 died at sample number 7: object"],
  [
    Object.assign(new Error("heap"), { code: "ERR_WORKER_OUT_OF_MEMORY" }),
    "worker 2 ran out of memory at sample number 7",
  ],
  [new Error("worker exited with code: 3"), "worker 2 exited with code 3 at sample number 7"],
])("whatever a worker throws, %s, there is an error that says so", (thrown, problem) => {
  expect(crashOf(thrown, 2, " at sample number 7").detail.problem).toBe(problem);
});
