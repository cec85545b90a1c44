import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEffort, Effort } from "../../dist/ring/effort.js";
import { planLayout } from "../../dist/ring/layout.js";
import { Interleaver } from "./interleaver.js";

function createWorker(): Effort {
  const layout = planLayout({ numWorkers: 2, numSlots: 1, batchSize: 1, cellBytes: [1] });
  return new Effort({ buffer: new SharedArrayBuffer(layout.byteLength), grow: () => 0 }, layout, 1);
}

const ms = fc.integer({ min: 0, max: 1000 });

describe("the effort of a worker", () => {
  it("is the CPU time of all its tasks, on whatever threads, whether they ended or died", () => {
    const task = fc.record({ threadMs: ms, first: ms, second: ms, dies: fc.boolean() });
    fc.assert(
      fc.property(fc.array(task, { maxLength: 10 }), (tasks) => {
        const worker = createWorker();
        const snapshot = createEffort();
        let cpuMs = 0;
        for (const [number, { threadMs, first, second, dies }] of tasks.entries()) {
          worker.begin(number + 1, threadMs);
          worker.publishCpu(threadMs + first);
          expect(worker.read(snapshot) && snapshot).toMatchObject({ cpuMs: cpuMs + first, nativeThread: number + 1 });
          // What whoever asks the system would find by now.
          expect(threadMs + first + second - snapshot.cpuOffsetMs).toBe(cpuMs + first + second);
          cpuMs += first;
          if (dies) worker.recover();
          else {
            worker.publishCpu(threadMs + first + second);
            worker.end();
            cpuMs += second;
          }
          worker.recover();
        }
        expect(worker.read(snapshot) && snapshot).toMatchObject({ cpuMs, nativeThread: 0 });
      }),
      { seed: SEED },
    );
  });

  it("is never read half written", () => {
    for (let pause = 0; pause < 6; pause++) {
      const worker = createWorker();
      worker.publish({ readBytes: 1, injectedFetchMs: 1, injectedPrepMs: 1, injectedPrepCpuMs: 1 });
      const snapshot = createEffort();
      // The writer writes between any two steps of the reader.
      const interleaver = new Interleaver([pause], () =>
        worker.publish({ readBytes: 2, injectedFetchMs: 2, injectedPrepMs: 2, injectedPrepCpuMs: 2 }),
      );
      const isRead = worker.read(snapshot);
      interleaver.remove();
      const { readBytes, injectedFetchMs, injectedPrepMs, injectedPrepCpuMs } = snapshot;
      expect([isRead, new Set([readBytes, injectedFetchMs, injectedPrepMs, injectedPrepCpuMs]).size]).toEqual([
        true,
        1,
      ]);
    }
  });

  it("is put in order where its thread died while it wrote", () => {
    const worker = createWorker();
    worker.begin(7, 100);
    worker.publishCpu(130);
    // The thread dies between the two steps of a write.
    const interleaver = new Interleaver([1], () => {
      throw new RangeError("died");
    });
    expect(() => worker.publishCpu(150)).toThrow("died");
    interleaver.remove();
    const snapshot = createEffort();
    expect(worker.read(snapshot)).toBe(false);
    worker.recover();
    expect(worker.read(snapshot) && snapshot).toMatchObject({ cpuMs: 50, nativeThread: 0 });
  });
});
