import { count } from "@millrace/testkit";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { PAGE_BYTES, planLayout } from "../../dist/ring/layout.js";
import { Ring, SAMPLE_STATE } from "../../dist/ring/ring.js";
import { createSharedMemory } from "../../dist/ring/shared-memory.js";

/** A worker that adds one to each cell it claims. */
const PROGRAM = `
const { workerData } = require("node:worker_threads");
import(workerData.module).then(({ Ring, SAMPLE_STATE }) => {
  const ring = new Ring(workerData.memories, workerData.layout);
  const claim = { slot: 0, cell: 0, count: 0, epoch: 0 };
  while (!ring.stopped) {
    const signal = ring.signal;
    if (!ring.claim(1 + (signal % 5), claim)) { ring.waitForWork(signal, 1000); continue; }
    for (let cell = claim.cell; cell < claim.cell + claim.count; cell++) {
      ring.samples(claim.slot)[cell] += claim.epoch;
      ring.states(claim.slot)[cell] = SAMPLE_STATE.good;
    }
    ring.finish(claim, 0, 0);
  }
});`;

it("threads on one ring make each cell of each batch once", async () => {
  // A limit that makes it three memories.
  const maxMemoryBytes = PAGE_BYTES + 2048;
  const layout = planLayout({ numWorkers: 3, numSlots: 3, batchSize: 32, cellBytes: [1], maxMemoryBytes });
  expect(layout.numMemories).toBe(3);
  const memories = Array.from({ length: 3 }, () => createSharedMemory(layout.memoryBytes));
  const ring = new Ring(memories, layout);
  ring.reset();
  const workerData = { module: new URL("../../dist/ring/ring.js", import.meta.url).href, memories, layout };
  const threads = [1, 2, 3].map(() => new Worker(PROGRAM, { eval: true, workerData }));
  const ends = threads.map((thread) => new Promise((resolve) => thread.once("exit", resolve)));
  const batches = count(2000, 30_000);
  let wrong = 0;
  const publish = (batch: number): void => {
    const slot = batch % layout.numSlots;
    ring.samples(slot).fill(1000);
    ring.states(slot).fill(SAMPLE_STATE.missing);
    ring.publish(slot, 0, 1 + (batch % 32), batch);
  };
  for (let batch = 0; batch < layout.numSlots; batch++) publish(batch);
  for (let batch = 0; batch < batches; batch++) {
    const slot = batch % layout.numSlots;
    while (!ring.isReady(slot)) await ring.waitForReady(slot, 1000);
    const size = 1 + (batch % 32);
    const samples = ring.samples(slot);
    const states = ring.states(slot);
    const isRight = (_: number, cell: number): boolean =>
      samples[cell] === (cell < size ? 1000 + batch : 1000) && (states[cell] === SAMPLE_STATE.good) === cell < size;
    wrong += samples.every(isRight) ? 0 : 1;
    ring.setHead(batch + 1);
    publish(batch + layout.numSlots);
  }
  ring.stop();
  await Promise.all(ends);
  expect(wrong).toBe(0);
});
