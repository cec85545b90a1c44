import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckedBits } from "../../dist/ring/checked-bits.js";
import { cellAt, PAGE_BYTES, planLayout, slotAt, type RingLayoutOptions } from "../../dist/ring/layout.js";
import { createSharedMemory, growRegion } from "../../dist/ring/shared-memory.js";

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

  it("refuses more than 4 GiB, and says what to lower, and how far", () => {
    const given = { numWorkers: 2, numSlots: 9, batchSize: 1024, cellBytes: [602_112] };
    const plan = (options: Partial<RingLayoutOptions>): unknown => planLayout({ ...given, ...options });
    expect(() => plan({})).toThrow(/option prefetchDepth: 9 batches of 1024.*expected at most 5, found 8; lower/u);
    expect(plan({ numSlots: 6 })).toBeDefined();
    expect(() => plan({ batchSize: 4096 })).toThrow(/option batchSize: .*expected about 2377 at most, found 4096/u);
    expect(plan({ numSlots: 3, batchSize: 2377 })).toBeDefined();
    expect(() => plan({ numWorkers: 0, numSlots: 1, batchSize: 8192 })).toThrow(/batchSize: .*about 7132 at most/u);
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
