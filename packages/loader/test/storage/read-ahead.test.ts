import { tempDir } from "@millrace/testkit";
import fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planReadAhead, type ReadAheadPlanOptions } from "../../dist/storage/read-ahead-plan.js";
import { ReadAhead, type AheadFile } from "../../dist/storage/read-ahead.js";

interface Block {
  readonly path: string;
  readonly position: number;
  readonly length: number;
}

/** Storage on which each read takes `readMs` of its own clock. A read ends when every other read that can begin has. */
class SlowStorage {
  readonly blocks: Block[] = [];
  open = 0;
  inFlight = 0;
  most = 0;
  #now = 0;

  constructor(
    readonly readMs: number,
    readonly broken: readonly string[] = [],
  ) {}

  readonly now = (): number => this.#now;

  readonly openFile = (path: string): Promise<AheadFile> => {
    this.open++;
    const read: AheadFile["read"] = async (_, __, length, position) => {
      this.most = Math.max(this.most, ++this.inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      this.inFlight--;
      if (this.broken.includes(path)) throw new Error("broken");
      this.#now += this.readMs;
      this.blocks.push({ path, position, length });
      return { bytesRead: length };
    };
    const close = (): Promise<void> => {
      this.open--;
      return Promise.resolve();
    };
    return Promise.resolve({ read, close });
  };
}

const SLOW_MS = 1000;

function aheadOf(storage: SlowStorage, sizes: readonly number[], blockBytes: number, depth: number): ReadAhead {
  const files = sizes.map((bytes, number) => ({ path: String(number), bytes }));
  return new ReadAhead({ files, clock: storage, openFile: storage.openFile, blockBytes, depth });
}

describe("reading ahead", () => {
  it("reads each byte of each file once, at most so many blocks at a time", async () => {
    const sizes = fc.array(fc.nat(50), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 5 }),
        async (all, by, depth) => {
          const storage = new SlowStorage(SLOW_MS);
          const ahead = aheadOf(storage, all, by, depth);
          ahead.start();
          await ahead.untilDone();
          const read = all.map(() => 0);
          for (const { path, position, length } of storage.blocks.toSorted((a, b) => a.position - b.position)) {
            expect(position).toBe(read[Number(path)]);
            read[Number(path)] = position + length;
          }
          expect(read).toEqual(all);
          expect(storage.open).toBe(0);
          const blocks = all.reduce((sum, bytes) => sum + Math.ceil(bytes / by), 0);
          expect(storage.most).toBe(Math.min(depth, blocks));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("ends where the first blocks come as fast as from memory", async () => {
    const storage = new SlowStorage(0);
    const ahead = aheadOf(storage, [100, 100], 10, 1);
    ahead.start();
    await ahead.untilDone();
    expect(storage.blocks.length).toBe(4);
  });

  it("goes on after it was stopped, where it was", async () => {
    const storage = new SlowStorage(SLOW_MS);
    const ahead = aheadOf(storage, [100, 100], 10, 2);
    ahead.start();
    await ahead.stop();
    expect(storage.blocks.length).toBeLessThan(20);
    expect(storage.open).toBe(0);
    ahead.start();
    await ahead.untilDone();
    expect(storage.blocks.length).toBe(20);
  });

  it("leaves out files that cannot be read", async () => {
    const storage = new SlowStorage(SLOW_MS, ["0"]);
    const ahead = aheadOf(storage, [30, 30], 10, 1);
    ahead.start();
    await ahead.untilDone();
    expect(storage.blocks.map(({ path }) => path)).toEqual(["1", "1", "1"]);
    expect(storage.open).toBe(0);
  });

  it("takes local files, and those that are gone", async () => {
    const path = join(tempDir(), "shard");
    writeFileSync(path, Buffer.alloc(100));
    const files = [path, `${path}.gone`].map((one) => ({ path: one, bytes: 100 }));
    const ahead = new ReadAhead({ files, clock: { now: () => 0 }, blockBytes: 30 });
    ahead.start();
    await expect(ahead.untilDone()).resolves.toBeUndefined();
  });
});

describe("the decision to read ahead", () => {
  const usual: ReadAheadPlanOptions = {
    readAhead: true,
    bytes: 1e9,
    freeBytes: 4e9,
    numWorkers: 2,
    worldSize: 1,
    order: "shuffle",
  };

  it.each([
    [{}, true, /at random, and 1000.0 MB are at most half of 4000.0 MB/u],
    [{ bytes: 3e9 }, false, /3000.0 MB are more than half/u],
    [{ bytes: undefined }, false, /no manifest/u],
    [{ order: "sequential" }, false, /the order sequential/u],
    [{ order: "blockShuffle" }, false, /the order blockShuffle/u],
    [{ numWorkers: 0 }, false, /calling thread/u],
    [{ worldSize: 2 }, false, /a part of 2/u],
    [{ readAhead: false }, false, /does not ask/u],
  ])("for %j is %s", (change, isOn, reason) => {
    const plan = planReadAhead({ ...usual, ...change });
    expect(plan.isOn).toBe(isOn);
    expect(plan.reason).toMatch(reason);
    expect(planReadAhead({ ...usual, ...change, readAhead: false })).toMatchObject({
      isOn: false,
      isPossible: isOn || "readAhead" in change,
    });
  });
});
