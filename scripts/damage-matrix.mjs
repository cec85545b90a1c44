/**
 * `pnpm damage-matrix` damages small files of every format in every way and prints how each damage ends. `--sample`
 * tries some of each kind only; `--markdown` writes the tables into `docs/damage.md`. Exit code 1 if a damage hangs,
 * crashes, takes too much, or is silent where something protects the bytes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT, runTool } from "./run-tool.mjs";

/**
 * @typedef {object} Cell
 * @property {"ours" | "theirs" | "traps" | "dataset"} table
 * @property {string} damage
 * @property {string} format
 * @property {[outcome: string, count: number][]} outcomes
 */

const TABLES = new Map([
  ["ours", "Shards of ours, without their manifest"],
  ["theirs", "Files of other libraries"],
  ["traps", "Files that were made to do harm"],
  ["dataset", "Datasets with their manifest"],
]);
const FORMATS = ["hdf5", "arrow", "tfrecord", "webdataset"];
const HEADINGS = ["damage", "HDF5", "Arrow", "TFRecord", "WebDataset"];
const OUTCOMES = ["refused", "reported", "harmless", "undetectable"];
const DOCS = join(ROOT, "docs", "damage.md");

/**
 * The rows of one table: a damage, and its outcomes with each format.
 *
 * @param {readonly Cell[]} cells
 * @param {(outcome: string, count: number) => string} [word]
 */
function rowsOf(cells, word = (outcome) => outcome) {
  return [...new Set(cells.map(({ damage }) => damage))].map((damage) => [
    damage,
    ...FORMATS.map((format) => {
      /** @type {Map<string, number>} */
      const counts = new Map();
      const some = cells.filter((cell) => cell.damage === damage && cell.format === format);
      for (const [outcome, count] of some.flatMap(({ outcomes }) => outcomes))
        counts.set(outcome, (counts.get(outcome) ?? 0) + count);
      const known = OUTCOMES.filter((outcome) => counts.has(outcome));
      const other = [...counts.keys()].filter((outcome) => !OUTCOMES.includes(outcome));
      const words = [...known, ...other].map((outcome) => word(outcome, counts.get(outcome) ?? 0));
      return words.length === 0 ? "–" : words.join(", ");
    }),
  ]);
}

/** @param {readonly (readonly string[])[]} rows the first is the heading */
function aligned(rows) {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
}

/** @param {readonly (readonly string[])[]} rows */
function markdown(rows) {
  const [heading = [], ...others] = aligned([HEADINGS, ...rows]);
  const lines = [heading, heading.map((cell) => "-".repeat(cell.length)), ...others];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** @param {readonly Cell[]} cells */
function writeDocs(cells) {
  let text = readFileSync(DOCS, "utf8");
  for (const table of TABLES.keys()) {
    const [begin, end] = [`<!-- damage-matrix ${table} -->`, "<!-- end -->"];
    const from = text.indexOf(begin) + begin.length;
    const to = text.indexOf(end, from);
    const rows = rowsOf(cells.filter((cell) => cell.table === table));
    text = `${text.slice(0, from)}\n\n${markdown(rows)}\n\n${text.slice(to)}`;
  }
  writeFileSync(DOCS, text);
}

/** @param {readonly Cell[]} cells */
function print(cells) {
  for (const [table, title] of TABLES) {
    const some = cells.filter((cell) => cell.table === table);
    const rows = rowsOf(some, (outcome, count) => `${outcome.split("\n")[0]} ${count}`);
    const lines = aligned([HEADINGS, ...rows]).map((row) => row.join("  ").trimEnd());
    process.stdout.write(`\n${title}\n${lines.join("\n")}\n`);
  }
  const probes = cells.flatMap(({ outcomes }) => outcomes).reduce((sum, [, count]) => sum + count, 0);
  process.stdout.write(`\n${probes} damages\n`);
}

/** @param {readonly string[]} args */
async function main(args) {
  const flag = { type: /** @type {const} */ ("boolean"), default: false };
  const { values } = parseArgs({ args: [...args], options: { markdown: flag, sample: flag } });
  const folder = mkdtempSync(join(tmpdir(), "millrace-damage-"));
  try {
    const report = join(folder, "cells.json");
    const code = await runTool("vitest", "vitest", ["run", "packages/formats/test/damage-matrix.test.ts"], {
      env: {
        MILLRACE_TIER: "long",
        MILLRACE_DAMAGE_REPORT: report,
        MILLRACE_DAMAGE_SAMPLE: values.sample ? "yes" : undefined,
      },
    });
    const cells = /** @type {Cell[]} */ (JSON.parse(readFileSync(report, "utf8")));
    print(cells);
    if (values.markdown) writeDocs(cells);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError && "code" in error)) throw error; // what parseArgs says of a wrong flag
  process.stderr.write(`${error.message}; the flags are --markdown and --sample\n`);
  process.exitCode = 2;
}
