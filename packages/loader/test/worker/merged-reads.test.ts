import { bytesOf, offsetOf, tableExtents, type Extents } from "@millrace/formats";
import {
  centerCrop,
  normalize,
  openLoader,
  randomResizedCrop,
  sequential,
  shuffle,
  type BatchField,
  type LoaderOptions,
  type Transform,
} from "@millrace/loader";
import { count, tempDir } from "@millrace/testkit";
import * as fc from "fast-check";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BUFFERED } from "../../dist/storage/file-access.js";
import { LocalFiles } from "../../dist/storage/local.js";
import { adjoiningRows } from "../../dist/worker/adjoining-rows.js";
import { createLane, type Lane } from "../../dist/worker/lane.js";
import { MergedReads } from "../../dist/worker/merged-reads.js";
import { damage } from "../damage.js";
import { makeDataset } from "../make-dataset.js";

const ROWS = 12;

/** Where the rows of a file lie, as distances from the end of the row before, and by how much the file is cut off. */
interface FilePlan {
  readonly gaps: readonly number[];
  readonly cut: number;
}

/** Files of rows; sample `n` is row `n % ROWS` of file `n / ROWS`. */
class Shards {
  readonly paths: readonly string[];
  readonly extents: readonly Extents[];
  readonly files: LocalFiles;
  reads = 0;

  constructor(plans: readonly FilePlan[], byteLength: number) {
    const folder = tempDir();
    this.paths = plans.map((_, file) => join(folder, String(file)));
    this.extents = plans.map(({ gaps, cut }, file) => {
      let end = 0;
      const offsets = gaps.map((gap) => {
        const offset = Math.max(0, end + gap);
        end = offset + byteLength;
        return offset;
      });
      const bytes = Uint8Array.from(
        { length: Math.max(...offsets) + byteLength },
        (_, at) => (at * 7 + file * 31) % 251,
      );
      const path = this.paths[file] as string;
      writeFileSync(path, bytes);
      truncateSync(path, Math.max(0, bytes.length - cut));
      return tableExtents(Float64Array.from(offsets), new Uint32Array(ROWS).fill(byteLength));
    });
    const read: typeof BUFFERED.read = (...place) => {
      this.reads++;
      return BUFFERED.read(...place);
    };
    this.files = new LocalFiles(this.paths, 2, { ...BUFFERED, read });
  }

  positionOf(file: number, row: number): number {
    return offsetOf(this.extents[file] as Extents, row);
  }
}

/** What a sample's value is, or the error that stands in its place. */
type Value = number[] | string;

function attempt(act: () => number[]): Value {
  try {
    return act();
  } catch (error) {
    return String(error);
  }
}

const file: fc.Arbitrary<FilePlan> = fc.record({
  gaps: fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: -6, max: 6 })), {
    minLength: ROWS,
    maxLength: ROWS,
  }),
  cut: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 40 })),
});

/** Samples of a run: some that follow one another, and some of anywhere. */
const run = fc
  .array(fc.record({ first: fc.nat(3 * ROWS - 1), length: fc.integer({ min: 1, max: 8 }) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) =>
    parts
      .flatMap(({ first, length }) => Array.from({ length }, (_, k) => Math.min(3 * ROWS - 1, first + k)))
      .slice(0, 16),
  );

function lanesOf(samples: readonly number[], bad: number): Lane[] {
  return samples.map((sample, place) =>
    Object.assign(createLane(place, 1), {
      sample,
      shard: Math.floor(sample / ROWS),
      row: sample % ROWS,
      isBad: place === bad,
    }),
  );
}

/** Gets one value of a run by the merged reads, as those who read samples do. */
class Reader {
  readonly merged: MergedReads;

  constructor(
    readonly shards: Shards,
    readonly byteLength: number,
  ) {
    this.merged = new MergedReads(
      {
        adjoining: (shard, _, row, rows, bytes) => adjoiningRows(shards.extents[shard] as Extents, row, rows, bytes),
        tryRead: (shard, _, row, length, target, at) =>
          shards.files.tryRead(shard, target, at, length, shards.positionOf(shard, row)),
      },
      1,
    );
  }

  read(lane: Lane, room: Uint8Array): void {
    const { merged, byteLength, shards } = this;
    const at = lane.place * byteLength;
    const isKnown = merged.find(lane, 0) === at;
    const values = isKnown ? 1 : merged.plan(lane, 0, byteLength);
    if (isKnown || (values > 1 && merged.read(lane, 0, values, byteLength, room, at)))
      shards.files.countBytes(byteLength);
    else shards.files.readInto(lane.shard, room, at, byteLength, shards.positionOf(lane.shard, lane.row));
  }
}

describe("values that are read together", () => {
  it("are the bytes, the errors and the bytes asked for of single reads, wherever they lie and files end", () => {
    const property = fc.property(
      fc.tuple(file, file, file),
      fc.integer({ min: 1, max: 9 }),
      fc.array(run, { minLength: 1, maxLength: 4 }),
      fc.nat(20),
      (plans, byteLength, runs, bad) => {
        const shards = new Shards(plans, byteLength);
        const reader = new Reader(shards, byteLength);
        const single = new LocalFiles(shards.paths, 2);
        for (const samples of runs) {
          const lanes = lanesOf(samples, bad);
          const room = new Uint8Array(samples.length * byteLength);
          reader.merged.begin(lanes, lanes.length);
          for (const lane of lanes.filter(({ isBad }) => !isBad)) {
            const { shard, row, place } = lane;
            const expected = attempt(() => {
              const value = new Uint8Array(byteLength);
              single.readInto(shard, value, 0, byteLength, shards.positionOf(shard, row));
              return [...value];
            });
            const found = attempt(() => {
              reader.read(lane, room);
              return [...room.subarray(place * byteLength, (place + 1) * byteLength)];
            });
            expect(found).toEqual(expected);
            expect(shards.files.bytesAsked).toBe(single.bytesAsked);
          }
        }
        shards.files.close();
        single.close();
      },
    );
    fc.assert(property, { numRuns: count(60, 1000) });
  });

  it("are those of samples that follow one another in a shard: one read for all, and one for each of others", () => {
    const whole: FilePlan = { gaps: Array<number>(ROWS).fill(0), cut: 0 };
    const apart: FilePlan = { gaps: Array<number>(ROWS).fill(1), cut: 0 };
    const readsOf = (samples: readonly number[], plans = [whole, whole], byteLength = 9, bad = -1): number => {
      const shards = new Shards(plans, byteLength);
      const reader = new Reader(shards, byteLength);
      const lanes = lanesOf(samples, bad);
      reader.merged.begin(lanes, lanes.length);
      const room = new Uint8Array(samples.length * byteLength);
      for (const lane of lanes) if (!lane.isBad) reader.read(lane, room);
      shards.files.close();
      return shards.reads;
    };
    expect(readsOf([0, 1, 2, 3, 4, 5, 6, 7])).toBe(1);
    expect(readsOf([9, 10, 11, 12, 13])).toBe(2);
    expect(readsOf([3, 4, 9, 10, 11])).toBe(2);
    expect(readsOf([3, 2, 1, 5, 7])).toBe(5);
    expect(readsOf([2, 3, 4, 5], [apart])).toBe(4);
    expect(readsOf([2, 3, 4, 5, 6], [whole], 9, 2)).toBe(2);
    // At most 1 MiB at a time.
    expect(readsOf([0, 1, 2, 3, 4, 5], [whole], 2 ** 19)).toBe(3);
  });
});

/** What two epochs hold of each sample, which samples were skipped, and how many bytes were read for it. */
async function load(path: string, options: LoaderOptions): Promise<object> {
  await using loader = await openLoader(path, { batchSize: 8, onBadSample: "skip", ...options });
  const images: string[] = [];
  for (const epoch of [0, 1])
    for await (const { size, indices, fields } of loader.epoch(epoch)) {
      const pixels = Buffer.from(bytesOf((fields["image"] as BatchField).data));
      const bytes = pixels.length / size;
      for (let i = 0; i < size; i++) {
        images[(indices[i] as number) * 2 + epoch] = pixels.toString("hex", i * bytes, (i + 1) * bytes);
      }
    }
  return { images, skipped: loader.skipped.map(({ sample }) => sample), readBytes: loader.stats().readBytes };
}

describe("a sequential order", () => {
  const numbers = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] };
  it.each<[what: string, transforms: readonly Transform[]]>([
    ["pixels as they are", []],
    ["pixels that are normalised", [normalize(numbers)]],
    ["crops that need some rows only", [centerCrop(4)]],
    ["crops that need some rows or all", [randomResizedCrop(8, { scale: [0.6, 1] })]],
  ])("gives %s as another order does, by as many bytes, and skips the same sample", async (_, transforms) => {
    for (const format of ["hdf5", "arrow"] as const) {
      const made = await makeDataset({ samples: 40, side: 8, format });
      const inTurn = { order: sequential({ seed: 3 }), transforms, numWorkers: 0 };
      const shuffled = { order: shuffle({ seed: 3 }), transforms, numWorkers: 0 };
      expect(await load(made.path, inTurn)).toEqual(await load(made.path, shuffled));
      damage(made, 21);
      // What is made anew after a bad sample is read once more, and what that is depends on the order.
      const readBytes: unknown = expect.any(Number);
      const damaged = { ...(await load(made.path, { ...shuffled, numWorkers: 1 })), skipped: [21, 21], readBytes };
      expect(await load(made.path, { ...inTurn, numWorkers: 1 })).toEqual(damaged);
    }
  });
});
