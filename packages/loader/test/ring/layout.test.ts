import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckedBits } from "../../dist/ring/checked-bits.js";
import { cellAt, MAX_MEMORY_BYTES, memoryOf, PAGE_BYTES, planLayout, slotAt } from "../../dist/ring/layout.js";
import { createRingMemories, createSharedMemory, growRegion } from "../../dist/ring/shared-memory.js";

describe("planLayout", () => {
  it("gives every part a place of its own inside of the memory, cells one after the other", () => {
    const options = fc.record({
      numWorkers: fc.integer({ min: 0, max: 9 }),
      numSlots: fc.integer({ min: 1, max: 5 }),
      batchSize: fc.integer({ min: 1, max: 70 }),
      cellBytes: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(options, (asked) => {
        const layout = planLayout(asked);
        const parts: [begin: number, end: number][] = [
          [0, PAGE_BYTES],
          [layout.controlAt, layout.workersAt],
        ];
        for (let slot = 0; slot < asked.numSlots; slot++) {
          const at = slotAt(layout, slot);
          parts.push([at, at + 256], [at + layout.samplesAt, at + layout.samplesAt + 4 * asked.batchSize]);
          parts.push([at + layout.drawsAt, at + layout.drawsAt + 4 * asked.batchSize]);
          parts.push([at + layout.statesAt, at + layout.statesAt + asked.batchSize]);
          for (const [field, bytes] of asked.cellBytes.entries()) {
            expect(cellAt(layout, slot, field, 0) % 64).toBe(0);
            for (let cell = 0; cell < asked.batchSize; cell++) {
              const begin = cellAt(layout, slot, field, cell);
              parts.push([begin, begin + bytes]);
            }
          }
        }
        parts.sort(([a], [b]) => a - b);
        for (const [place, [begin]] of parts.entries())
          expect(begin).toBeGreaterThanOrEqual(place === 0 ? 0 : (parts[place - 1]?.[1] as number));
        expect(parts.at(-1)?.[1]).toBeLessThanOrEqual(layout.byteLength);
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it("lays slots that do not fit into one memory into several, and leaves a part of each to the workers", () => {
    const given = { numWorkers: 2, batchSize: 1024, cellBytes: [602_112] };
    const shape = (numSlots: number, maxMemoryBytes?: number): unknown[] => {
      const { numMemories, slotsPerMemory, memoryBytes } = planLayout({ ...given, numSlots, maxMemoryBytes });
      return [numMemories, slotsPerMemory, memoryBytes <= (maxMemoryBytes ?? MAX_MEMORY_BYTES)];
    };
    expect([5, 6, 9, 11].map((numSlots) => shape(numSlots))).toEqual([
      [1, 5, true],
      [2, 3, true],
      [2, 5, true],
      [3, 4, true],
    ]);
    expect(shape(3, 640_000_000)).toEqual([3, 1, true]);
    const layout = planLayout({ ...given, numSlots: 9 });
    expect([0, 4, 5, 8].map((slot) => memoryOf(layout, slot))).toEqual([0, 0, 1, 1]);
    expect(slotAt(layout, 5)).toBe(slotAt(layout, 0));
    expect(layout.byteLength).toBe(2 * layout.slotsAt + 9 * layout.slotStride);
  });

  it("refuses a batch that does not fit into one memory, and says what would", () => {
    const given = { numWorkers: 2, numSlots: 3, cellBytes: [602_112] };
    expect(() => planLayout({ ...given, batchSize: 8192 })).toThrow(
      /option batchSize: .*expected about 7132 at most, found 8192; lower/u,
    );
    expect(planLayout({ ...given, batchSize: 7132 })).toMatchObject({ numMemories: 3, slotsPerMemory: 1 });
  });
});

describe("createRingMemories", () => {
  it("gives as many as the layout has, or says what to lower where the machine has not got so much", () => {
    const layout = planLayout({ numWorkers: 1, numSlots: 3, batchSize: 8, cellBytes: [1900], maxMemoryBytes: 131_072 });
    const memories = createRingMemories(layout);
    expect(memories.map(({ buffer }) => buffer.byteLength)).toEqual([131_072, 131_072]);
    expect(() => memories[0]?.grow(1)).toThrow(/maximum|grow/u);
    expect(() => createRingMemories(layout, 1e5)).toThrow(/3 batches of \d+ bytes.*lower batchSize or prefetchDepth/u);
  });
});

describe("growRegion", () => {
  it("gives regions that nobody else has, and keeps what was there", () => {
    const memory = createSharedMemory(PAGE_BYTES);
    const before = new Uint8Array(memory.buffer);
    before[5] = 42;
    const regions = [1, PAGE_BYTES, PAGE_BYTES + 1].map((bytes) => growRegion(memory, bytes));
    expect(regions).toEqual([
      { offset: PAGE_BYTES, byteLength: PAGE_BYTES },
      { offset: 2 * PAGE_BYTES, byteLength: PAGE_BYTES },
      { offset: 3 * PAGE_BYTES, byteLength: 2 * PAGE_BYTES },
    ]);
    expect(new Uint8Array(memory.buffer)[5]).toBe(42);
    expect(() => growRegion(memory, 2 ** 32)).toThrow(/cannot grow/u);
  });
});

describe("CheckedBits", () => {
  it("remember each sample by itself", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(199)), (samples) => {
        const bits = CheckedBits.allocate(200);
        for (const sample of samples) bits.add(sample);
        const other = new CheckedBits(bits.buffer);
        for (let sample = 0; sample < 200; sample++) expect(other.has(sample)).toBe(samples.includes(sample));
      }),
      { seed: SEED },
    );
  });
});
