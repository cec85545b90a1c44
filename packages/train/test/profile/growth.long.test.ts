import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** Profiles 12,000 steps with spans and prints by how many bytes heap and process grew over the last 10,000 of them. */
const PROGRAM = `
  import { profile, SpanLog } from "@millrace/train";
  import { setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const weigh = () => {
    collect();
    return { heap: process.memoryUsage().heapUsed, process: process.memoryUsage.rss() };
  };
  const weights = [];
  const loader = (async function* () {
    for (;;) yield { size: 4, stall: { stallMs: 1e-4, fetchStallMs: 1e-4, prepStallMs: 0 } };
  })();
  const step = async (_, { step, copy }) => {
    copy(() => Promise.resolve());
    if (step === 2000 || step === 12_000) weights.push(weigh());
  };
  const spans = new SpanLog();
  const fence = () => Promise.resolve();
  const report = await profile({ loader, step, fence, steps: 12_001, warmupSteps: 10, phases: false, spans });
  const [before, after] = weights;
  const grown = { heap: after.heap - before.heap, process: after.process - before.process };
  console.log(JSON.stringify({ ...grown, steps: report.budget.steps, spans: spans.count }));`;

it("nothing grows over 10,000 profiled steps, neither the heap nor the process", () => {
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  // The young generation keeps its size, which would otherwise be most of what changes.
  const args = ["--max-semi-space-size=2", "--input-type=module", "-e", PROGRAM];
  const child = spawnSync(process.execPath, args, { cwd, encoding: "utf8", timeout: 120_000 });
  expect([child.status, child.stderr]).toEqual([0, ""]);
  const grown = JSON.parse(child.stdout) as Readonly<Record<"heap" | "process" | "steps" | "spans", number>>;
  expect(grown.steps).toBe(12_001);
  expect(grown.spans).toBeGreaterThan(3 * 12_001);
  // The rows of the log are outside the heap: less than 40 bytes a step are in it.
  expect(grown.heap).toBeLessThan(400_000);
  // 64 bytes a step of the log, by doubling, and the pages of the span log as they are first written.
  expect(grown.process).toBeLessThan(2 ** 23);
});
