import { once } from "node:events";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { createMemory, createPlainKernels, scratchBytes, type ResampleJob } from "@millrace/image";
import { expect, it } from "vitest";
import { noise } from "./workbench.js";

const SLOTS = 12;
const SIDE = 33;
const SOURCE = { width: 90, height: 70, channels: 3 } as const;

it("several threads, each with its own kernels and scratch, fill neighbouring slots of one memory", async () => {
  const memory = createMemory({ byteLength: 2 ** 22 });
  const bytes = new Uint8Array(memory.buffer);
  const sourceAt = 2 ** 20;
  bytes.set(noise(90 * 70 * 3, 3), sourceAt);
  const needed = scratchBytes({ source: SOURCE, output: { width: SIDE, height: SIDE } });
  const slotBytes = SIDE * SIDE * 3 * 4;
  // Slots touch: an overlong store of one thread would spoil the next thread's first pixel.
  const jobs = Array.from({ length: SLOTS }, (_, i): ResampleJob => ({
    source: { offset: sourceAt, ...SOURCE },
    box: { x: i, y: i, width: 40 + i * 3, height: 30 + i * 2 },
    flip: i % 2 === 1,
    output: { offset: 2 ** 21 + i * slotBytes, byteLength: slotBytes, width: SIDE, height: SIDE, dtype: "float32" },
    scale: [1 / 255, 1 / 128, 2],
    shift: [0, -1, 3],
  }));
  const plain = createPlainKernels(memory, { offset: 0, byteLength: needed });
  for (const job of jobs) plain.resample(job);
  const expected = bytes.slice(2 ** 21, 2 ** 21 + SLOTS * slotBytes);
  bytes.fill(0, 2 ** 21, 2 ** 21 + SLOTS * slotBytes);

  const workers = [0, 1, 2].map((share) => {
    const own = jobs.filter((_, i) => i % 3 === share);
    const scratch = { offset: share * needed, byteLength: needed };
    const workerData = { memory, scratch, jobs: own, rounds: 40 };
    return new Worker(new URL("slot-worker.mjs", import.meta.url), { workerData });
  });
  const names = await Promise.all(workers.map(async (worker) => (await once(worker, "message"))[0] as string));
  await Promise.all(workers.map((worker) => worker.terminate()));
  expect(names).toEqual(["simd", "simd", "simd"]);
  expect(Buffer.compare(bytes.subarray(2 ** 21, 2 ** 21 + SLOTS * slotBytes), expected)).toBe(0);
});

it.runIf(process.arch === "x64")("a machine without SIMD gets the plain twin", () => {
  const program = `import { createKernels, createMemory } from "@millrace/image";
    console.log(createKernels(createMemory({ byteLength: 1 }), { offset: 0, byteLength: 64 }).name);`;
  const flags = ["--no-enable-sse4-1", "--no-enable-avx", "--input-type=module", "-e", program];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  expect(execFileSync(process.execPath, flags, { cwd, encoding: "utf8" })).toBe("plain\n");
});
