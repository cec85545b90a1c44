/**
 * `pnpm fuzz` gives every parser files that are nearly right, for as long as it is told. `--minutes` (10) for all
 * parsers together; `--seed` (from the clock) repeats a run; `--only arrow` takes the parsers with that in their name.
 * A failure names the seed and where the smallest file that shows it was saved.
 */
import { parseArgs } from "node:util";
import { runTool } from "./run-tool.mjs";

/** @param {readonly string[]} args */
async function main(args) {
  const text = { type: /** @type {const} */ ("string") };
  const { values } = parseArgs({ args: [...args], options: { minutes: text, seed: text, only: text } });
  const minutes = Number(values.minutes ?? 10);
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
    process.stderr.write("--minutes takes a number above 0, --seed a whole number\n");
    return 2;
  }
  process.stdout.write(`seed ${seed}, ${minutes} minutes\n`);
  return await runTool("vitest", "vitest", ["run", "packages/formats/test/fuzz-parsers.test.ts"], {
    env: {
      MILLRACE_FUZZ_MINUTES: String(minutes),
      MILLRACE_FUZZ_ONLY: values.only,
      MILLRACE_SEED: String(seed),
    },
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError && "code" in error)) throw error; // what parseArgs says of a wrong flag
  process.stderr.write(`${error.message}; the flags are --minutes, --seed and --only\n`);
  process.exitCode = 2;
}
