import { count, SEED, tempDir } from "@millrace/testkit";
import { asyncProperty, check } from "fast-check";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Prober } from "./damage/prober.js";
import { fuzzTargets } from "./fuzz-targets.js";

const MEBIBYTE = 2 ** 20;

/** What `pnpm fuzz` asks for: minutes for all parsers together, and a part of the name of some. */
const minutes = Number(process.env["MILLRACE_FUZZ_MINUTES"] ?? 0);
const only = process.env["MILLRACE_FUZZ_ONLY"] ?? "";
const targets = fuzzTargets.filter(({ name }) => name.includes(only));
const budgetMs = (minutes * 60_000) / targets.length;

/** How much is tried: a number of files, or as many as the time allows. */
const effort =
  minutes > 0
    ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: budgetMs, markInterruptAsFailure: false }
    : { numRuns: count(120, 3000) };

/** Saves the smallest file that fails, and says where and how to repeat it. */
function report(name: string, bytes: Uint8Array, error: unknown): string {
  const saved = join(mkdtempSync(join(tmpdir(), "millrace-fuzz-")), name.replaceAll(" ", "-"));
  writeFileSync(saved, bytes);
  return `seed ${SEED}, smallest file ${saved}: ${String(error)}`;
}

const prober = new Prober();
afterAll(() => prober.close());

describe("a parser ends in values or in its typed error, within a second and 300 MiB, whatever the file says", () => {
  it.each(targets)("$name", { timeout: budgetMs + 600_000 }, async ({ name, use, codes, files }) => {
    const folder = tempDir();
    const path = join(folder, "fuzzed");
    const endings = new Map<string, number>();
    const property = asyncProperty(await files(folder), async (bytes) => {
      writeFileSync(path, bytes);
      const ending = await prober.use(path, use);
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
      if (ending !== "values" && !codes.includes(ending)) throw new TypeError(ending);
    });
    const { failed, counterexample, errorInstance, numRuns } = await check(property, { seed: SEED, ...effort });
    if (minutes > 0) process.stdout.write(`${name}: ${numRuns} files, ${JSON.stringify([...endings])}\n`);
    const failure = failed && counterexample !== null ? report(name, counterexample[0], errorInstance) : undefined;
    expect(failure).toBe(undefined);
    expect(endings.has("values")).toBe(true);
    expect(prober.slowestMs).toBeLessThan(1000);
    expect(prober.grownBytes).toBeLessThan(300 * MEBIBYTE);
  });
});
