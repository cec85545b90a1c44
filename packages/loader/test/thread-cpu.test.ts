import { openLoader } from "@millrace/loader";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cpuMsOfThread, ThreadCpu } from "../dist/thread-cpu.js";
import { samplesOf } from "./batch-log.js";
import { makeDataset } from "./make-dataset.js";
import { transformOf } from "./make-transform.js";

const openFiles = (): number => readdirSync("/proc/self/fd").length;

/** Keeps this thread busy until its CPU time has grown by `ms`. */
function spin(cpu: ThreadCpu, ms: number): void {
  const until = cpu.now() + ms;
  while (cpu.now() < until) continue;
}

describe.skipIf(!ThreadCpu.isTold())("the CPU time of a thread", () => {
  it("is a part of that of its process, grows with work, and not with sleep", async () => {
    const cpu = ThreadCpu.open() as ThreadCpu;
    const usage = process.cpuUsage();
    const before = cpu.now();
    spin(cpu, 20);
    const spun = cpu.now() - before;
    const { user, system } = process.cpuUsage(usage);
    expect(spun).toBeLessThanOrEqual((user + system) / 1000 + 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(cpu.now() - before - spun).toBeLessThan(150);
    expect(cpuMsOfThread(cpu.thread)).toBeGreaterThan(0);
    cpu.close();
  });

  it("is not known of a thread that is gone, or never was", () => {
    expect(cpuMsOfThread(2 ** 30)).toBeUndefined();
    expect(cpuMsOfThread(0)).toBeUndefined();
  });

  it("of the workers is in the stats, and what was injected with it", async () => {
    const { path } = await makeDataset({ samples: 40 });
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 1, inject: { prepMs: 1 } });
    expect(loader.stats().workerCpuMs).toBe(0);
    await samplesOf(loader);
    const { injected, workerCpuMs = 0 } = loader.stats();
    // Each worker may owe a bit; the next epoch is begun, too.
    expect(injected.prepCpuMs).toBeGreaterThan(39.9);
    expect(injected.prepMs).toBeGreaterThan(injected.prepCpuMs - 1);
    expect(workerCpuMs).toBeGreaterThan(0);
    await samplesOf(loader);
    await loader.close();
    const after = loader.stats();
    expect(after.workerCpuMs).toBeGreaterThanOrEqual(after.injected.prepCpuMs);
    expect(after.workerCpuMs).toBeGreaterThanOrEqual(workerCpuMs);
    expect(loader.stats().workerCpuMs).toBe(after.workerCpuMs);
  });

  it("of a worker that died stays in the account, and never falls", async () => {
    const { path } = await makeDataset({ samples: 20 });
    const transforms = [transformOf("if (context.sample === 3) process.exit(5);")];
    const inject = { prepMs: 4 };
    const options = { batchSize: 4, numWorkers: 1, transforms, inject, onBadSample: "skip" } as const;
    await using loader = await openLoader(path, options);
    let last = 0;
    for await (const _ of loader) {
      const { workerCpuMs = 0 } = loader.stats();
      expect(workerCpuMs).toBeGreaterThanOrEqual(last);
      last = workerCpuMs;
    }
    expect(loader.stats().deadWorkers).toBe(2);
    expect(loader.stats().injected.prepCpuMs).toBeGreaterThan(19 * 4 - 0.1);
  });

  it("costs the main thread no open file", async () => {
    const { path } = await makeDataset({ samples: 20 });
    const before = openFiles();
    const loader = await openLoader(path, { batchSize: 4, numWorkers: 0, inject: { prepMs: 0.1 } });
    for (let epoch = 0; epoch < 3; epoch++) await samplesOf(loader);
    expect(loader.stats()).toMatchObject({ workerCpuMs: undefined, injected: { fetchMs: 0 } });
    expect(loader.stats().injected.prepCpuMs).toBeCloseTo(6, 0);
    await loader.close();
    await loader.close();
    expect(openFiles()).toBe(before);
  });
});
