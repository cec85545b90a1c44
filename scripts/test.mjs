/**
 * `npm test`: sets the repository up and checks everything that needs only Node. `npm run test:long` (`--long`) runs
 * all tests at full length, with the reference implementations in Python. `--all` does both, one after the other, and
 * the long tier leaves out the files that do the same in both; `--keep-going` does not stop at the first step that fails. The last line is `N passed, N failed, N skipped`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findPython, makeOracles } from "./oracles.mjs";
import { ROOT, run, runTool } from "./run-tool.mjs";
import { build, install } from "./set-up.mjs";
import { check, runSteps } from "./steps.mjs";
import { vitestCounts } from "./vitest-counts.mjs";

/** @typedef {import("./steps.mjs").Step} Step */

/** @type {readonly Step[]} */
const SET_UP = [check("install", install, { foundation: true }), check("build", build, { foundation: true })];

/** @type {readonly Step[]} */
const QUICK = [
  check("lint", () => runTool("oxlint", "oxlint", ["--type-aware", "--deny-warnings"])),
  check("format", () => runTool("oxfmt", "oxfmt", ["--check"])),
  { name: "tests", run: () => vitest("quick") },
  check("snippets", () => run(process.execPath, ["scripts/snippets.mjs"])),
  check("docs", () => runTool("typedoc", "typedoc", [], { from: join(ROOT, "docs"), cwd: join(ROOT, "docs") })),
];

/**
 * @param {"quick"} [after] the tier that has run before
 * @returns {readonly Step[]}
 */
const long = (after) => [
  check("oracles", async () => (findPython() === undefined ? noPython() : makeOracles())),
  { name: "long tests", run: () => vitest("long", after) },
];

/**
 * @param {"quick" | "long"} tier
 * @param {"quick"} [after]
 */
async function vitest(tier, after) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-report-"));
  try {
    const report = join(folder, "vitest.json");
    const code = await runTool(
      "vitest",
      "vitest",
      ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
      { env: { MILLRACE_TIER: tier === "long" ? "long" : undefined, MILLRACE_AFTER: after } },
    );
    return vitestCounts(report, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function noPython() {
  process.stdout.write(
    "No python3 here: tests that compare with h5py, pyarrow, pillow, TensorFlow, webdataset and Perfetto will be skipped.\n",
  );
  return process.env["MILLRACE_REQUIRE"] === "all" ? 1 : 0;
}

/** @param {readonly string[]} args */
async function main(args) {
  const flag = { type: /** @type {const} */ ("boolean"), default: false };
  const { values } = parseArgs({ args: [...args], options: { long: flag, all: flag, "keep-going": flag } });
  const tiers = values.all ? [...QUICK, ...long("quick")] : values.long ? long() : QUICK;
  return await runSteps([...SET_UP, ...tiers], { keepGoing: values["keep-going"] });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError && "code" in error)) throw error; // what parseArgs says of a wrong flag
  process.stderr.write(`${error.message}; the flags are --long, --all and --keep-going\n`);
  process.exitCode = 2;
}
