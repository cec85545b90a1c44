import { FORMAT_NAMES, type FormatName } from "@millrace/formats";
import { LONG_TIER, tempDir } from "@millrace/testkit";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { damageMatrix, FULL, OUTCOMES, SAMPLE, type Cell } from "./damage/damage-matrix.js";
import { Prober } from "./damage/prober.js";

const MEBIBYTE = 2 ** 20;

/**
 * `table, damage, format`: bytes that the format does not protect, so that without a manifest nothing tells that they are
 * others. HDF5 and Arrow have no checksum of samples; Arrow and the old headers of HDF5 have none of what says where they
 * are. Tar has one of its headers, none of their extensions. A TFRecord file of others that ends with a whole record may
 * have had more.
 */
const UNPROTECTED: ReadonlySet<string> = new Set([
  "ours, any bit of a sample flipped, hdf5",
  "ours, any bit of a sample flipped, arrow",
  "ours, any bit of a sample flipped, webdataset",
  "ours, any bit of a header, index or footer flipped, arrow",
  "theirs, any bit of a header, index or footer flipped, arrow",
  "theirs, any bit of a header, index or footer flipped, hdf5",
  "theirs, any bit of a header, index or footer flipped, webdataset",
  "theirs, any bit of a sample flipped, hdf5",
  "theirs, any bit of a sample flipped, arrow",
  "theirs, any bit of a sample flipped, webdataset",
  "theirs, cut off at any byte, tfrecord",
]);

/** What `pnpm damage-matrix` wants to know. */
const report = process.env["MILLRACE_DAMAGE_REPORT"];
const isFull = report === undefined ? LONG_TIER : process.env["MILLRACE_DAMAGE_SAMPLE"] === undefined;
const all: Cell[] = [];

/** The outcomes that the docs list: `table, damage, format` to outcomes. */
function documented(): Map<string, string[]> {
  const text = readFileSync(fileURLToPath(new URL("../../../docs/damage.md", import.meta.url)), "utf8");
  const cells = new Map<string, string[]>();
  for (const [, table, rows = ""] of text.matchAll(/<!-- damage-matrix (\w+) -->(.*?)<!-- end -->/gsu)) {
    for (const row of rows.trim().split("\n").slice(2)) {
      const [damage, ...outcomes] = row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      for (const [n, format] of FORMAT_NAMES.entries())
        if (outcomes[n] !== "–") cells.set(`${table}, ${damage}, ${format}`, outcomes[n]?.split(", ") ?? []);
    }
  }
  return cells;
}

/** The outcomes that were found, in the same form. */
function found(cells: readonly Cell[]): Map<string, string[]> {
  const outcomes = new Map<string, Set<string>>();
  for (const cell of cells) {
    const name = `${cell.table}, ${cell.damage}, ${cell.format}`;
    outcomes.set(name, new Set([...(outcomes.get(name) ?? []), ...cell.outcomes.keys()]));
  }
  return new Map([...outcomes].map(([name, some]) => [name, OUTCOMES.filter((outcome) => some.has(outcome))]));
}

afterAll(() => {
  if (report === undefined) return;
  writeFileSync(report, JSON.stringify(all.map((cell) => ({ ...cell, outcomes: [...cell.outcomes] }))));
});

describe("damage", () => {
  it.each(FORMAT_NAMES)(
    "to %s is refused, reported or harmless within a second and 300 MiB, or to bytes that nothing protects",
    async (format: FormatName) => {
      const prober = new Prober();
      try {
        const cells = await damageMatrix(prober, tempDir(), isFull ? FULL : SAMPLE, [format]);
        all.push(...cells);
        const wrong = cells.flatMap((cell) =>
          [...cell.outcomes.keys()]
            .filter(
              (outcome) =>
                !OUTCOMES.includes(outcome) ||
                (outcome === "undetectable" && !UNPROTECTED.has(`${cell.table}, ${cell.damage}, ${format}`)),
            )
            .map((outcome) => `${cell.file}, ${cell.damage}: ${outcome}`),
        );
        expect(wrong).toEqual([]);
        expect(prober.slowestMs).toBeLessThan(1000);
        expect(prober.grownBytes).toBeLessThan(300 * MEBIBYTE);
      } finally {
        prober.close();
      }
    },
  );

  it.skipIf(report !== undefined)("is listed in the docs as it is found", () => {
    const [listed, cells] = [documented(), found(all)];
    expect([...cells.keys()].toSorted()).toEqual([...listed.keys()].toSorted());
    // A sample does not come upon every outcome.
    const other = [...cells].filter(([name, outcomes]) =>
      isFull
        ? outcomes.join() !== listed.get(name)?.join()
        : outcomes.some((outcome) => !(listed.get(name) ?? []).includes(outcome)),
    );
    expect(other).toEqual([]);
  });
});
