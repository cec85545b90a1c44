import { isMillraceError } from "@millrace/formats";
import { planShards, type Listing, type Plan, type PlanOptions, type SourceItem } from "@millrace/ingest";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

const OPTIONS: PlanOptions = { seed: 0, samplesPerShard: 4, valFraction: 0 };
const RUNS = { numRuns: count(100, 2000), seed: SEED };

function listingOf(labels: readonly number[], splits: readonly string[] = []): Listing {
  const items = labels.map((label, i): SourceItem => {
    const split = splits[i % Math.max(1, splits.length)];
    const path = `${split ?? "all"}/${label}/${i}.png`;
    return split === undefined ? { path, key: path, label } : { path, key: path, label, split };
  });
  const classes = Array.from({ length: Math.max(0, ...labels) + 1 }, (_, label) => String(label));
  return { kind: "image-folder", splits, classes, items, ignored: [] };
}

function keysOf(plan: Plan): string[] {
  return plan.splits.flatMap(({ shards }) => shards.flatMap(({ items }) => items.map(({ key }) => key)));
}

function sizesOf(plan: Plan): Record<string, number> {
  return Object.fromEntries(plan.splits.map(({ name, samples }) => [name, samples]));
}

const labelsOf = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 60 });
const optionsOf = fc.record({
  seed: fc.nat(),
  samplesPerShard: fc.integer({ min: 1, max: 70 }),
  valFraction: fc.constantFrom(0, 0.1, 0.25, 0.5, 0.9),
});

function planOf(listing: Listing, options: PlanOptions): Plan | undefined {
  try {
    return planShards(listing, options);
  } catch (error) {
    if (isMillraceError(error, "OPTION")) return undefined;
    throw error;
  }
}

describe("a plan", () => {
  it("holds each sample once, in shards that are full but for the last of a split", () => {
    fc.assert(
      fc.property(labelsOf, optionsOf, (labels, options) => {
        const listing = listingOf(labels);
        const plan = planOf(listing, options);
        if (plan === undefined) return;
        expect(keysOf(plan).toSorted()).toEqual(listing.items.map(({ key }) => key).toSorted());
        for (const { name, shards, samples } of plan.splits) {
          expect(shards.map(({ number, split }) => [number, split])).toEqual(shards.map((_, i) => [i, name]));
          const sizes = shards.map(({ items }) => items.length);
          expect(sizes.slice(0, -1).every((size) => size === options.samplesPerShard)).toBe(true);
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(samples);
        }
      }),
      RUNS,
    );
  });

  it("does not depend on the order of the listing", () => {
    fc.assert(
      fc.property(labelsOf, optionsOf, fc.nat(), (labels, options, turn) => {
        const listing = listingOf(labels);
        const at = turn % listing.items.length;
        const turned = { ...listing, items: [...listing.items.slice(at), ...listing.items.slice(0, at)].toReversed() };
        expect(planOf(turned, options)).toEqual(planOf(listing, options));
      }),
      RUNS,
    );
  });

  it("gives every class its share of val, to one sample, and leaves it one for training", () => {
    fc.assert(
      fc.property(labelsOf, optionsOf, (labels, options) => {
        const plan = planOf(listingOf(labels), options);
        if (plan === undefined || options.valFraction === 0) return;
        const samplesOf = (split: string, label: number): number =>
          plan.splits
            .filter(({ name }) => name === split)
            .flatMap(({ shards }) => shards.flatMap(({ items }) => items))
            .filter((item) => item.label === label).length;
        for (const label of new Set(labels)) {
          const all = labels.filter((other) => other === label).length;
          expect(Math.abs(samplesOf("val", label) - Math.min(all - 1, all * options.valFraction))).toBeLessThan(1.0001);
          expect(samplesOf("train", label)).toBeGreaterThan(0);
        }
      }),
      RUNS,
    );
  });

  it("keeps the place of a sample in the shuffle when others come and go", () => {
    const labels = Array.from({ length: 50 }, (_, i) => i % 3);
    const before = keysOf(planShards(listingOf(labels), OPTIONS));
    const listing = listingOf(labels);
    const after = keysOf(planShards({ ...listing, items: listing.items.filter((_, i) => i % 7 !== 0) }, OPTIONS));
    expect(before.filter((key) => after.includes(key))).toEqual(after);
  });

  it("is another one for another seed, and mixes the classes", () => {
    const listing = listingOf(Array.from({ length: 100 }, (_, i) => Math.floor(i / 50)));
    const plans = [0, 1].map((seed) => keysOf(planShards(listing, { ...OPTIONS, seed })));
    expect(plans[0]).not.toEqual(plans[1]);
    const first = planShards(listing, { ...OPTIONS, samplesPerShard: 50 }).splits[0]?.shards[0]?.items ?? [];
    const ones = first.filter(({ label }) => label === 1).length;
    expect(ones).toBeGreaterThan(10);
    expect(ones).toBeLessThan(40);
  });

  it("is the same for the same names on every machine, from version to version", () => {
    expect(keysOf(planShards(listingOf([0, 1, 0, 1, 2]), { ...OPTIONS, seed: 7 }))).toMatchInlineSnapshot(`
      [
        "all/1/3.png",
        "all/1/1.png",
        "all/0/2.png",
        "all/0/0.png",
        "all/2/4.png",
      ]
    `);
  });

  it("takes the source's own splits, and cuts val from train only", () => {
    const labels = Array.from({ length: 40 }, (_, i) => i % 2);
    expect(sizesOf(planShards(listingOf(labels, ["train", "val"]), OPTIONS))).toEqual({ train: 20, val: 20 });
    const cut = planShards(listingOf(labels, ["train", "test"]), { ...OPTIONS, valFraction: 0.25 });
    expect(sizesOf(cut)).toEqual({ train: 15, val: 5, test: 20 });
    expect(Object.keys(sizesOf(cut))).toEqual(["train", "val", "test"]);
  });

  it("refuses to cut a second val, or to cut from a source without train", () => {
    const labels = [0, 1, 0, 1, 0, 1];
    const options = { ...OPTIONS, valFraction: 0.5 };
    expect(() => planShards(listingOf(labels, ["train", "val"]), options)).toThrow(/valFraction.*already.*leave/u);
    expect(() => planShards(listingOf(labels, ["test"]), options)).toThrow(/valFraction.*no split train/u);
  });

  it("refuses a share so small that val stays empty, and one of classes with a single sample", () => {
    expect(() => planShards(listingOf([0, 1, 0, 1]), { ...OPTIONS, valFraction: 0.01 })).toThrow(/no sample for.*val/u);
    expect(() => planShards(listingOf([0, 1, 2, 3]), { ...OPTIONS, valFraction: 0.9 })).toThrow(/no sample for.*val/u);
  });
});
