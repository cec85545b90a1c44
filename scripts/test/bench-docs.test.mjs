import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);

/**
 * Programs of `bench/` whose results, where there are any, make a table of a page, and say which bars they miss. Every bar
 * is kept where injected truth is measured; how fast real photographs are decoded is the machine's.
 */
const TABLES = [
  { bench: "truth", page: "docs/profile-truth.md", keepsBars: true },
  { bench: "real-stalls", page: "docs/profile-truth.md", keepsBars: true },
].filter(({ bench }) => existsSync(new URL(`bench/results/${bench}.json`, ROOT)));

/** @param {string} path */
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");

/**
 * What the program makes of its results.
 * @param {string} bench
 * @returns {Promise<{ text: string, missed: readonly string[] }>}
 */
async function tableOf(bench) {
  const { textOf, misses } = await import(new URL(`bench/${bench}/table.mjs`, ROOT).href);
  const results = JSON.parse(read(`bench/results/${bench}.json`));
  return { text: textOf(results), missed: misses(results) };
}

describe("the table that a bench writes into the docs", () => {
  it.each(TABLES)("is that of the results of $bench", async ({ bench, page }) => {
    const [, after = ""] = read(page).split(`<!-- bench/${bench}: begin -->`);
    const [table = ""] = after.split(`<!-- bench/${bench}: end -->`);
    expect(table.trim()).toBe((await tableOf(bench)).text);
  });

  it.each(TABLES)("names every bar that $bench misses", async ({ bench, keepsBars }) => {
    const { text, missed } = await tableOf(bench);
    for (const line of missed) expect(text).toContain(line);
    expect(keepsBars ? missed : []).toEqual([]);
  });
});
