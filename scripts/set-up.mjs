import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, runNpm, runTool } from "./run-tool.mjs";

/**
 * Installs every dependency exactly as `pnpm-lock.yaml` says, by the pnpm that `package.json` names. Needs Node and
 * npm only; takes a second or two when nothing has changed.
 *
 * @returns {Promise<number>} the exit code
 */
export function install() {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return runNpm(["exec", "--yes", "--", packageManager, "install", "--frozen-lockfile"]);
}

/**
 * Compiles what has changed, and bundles what the loader's worker threads run.
 *
 * @param {readonly string[]} projects folders with a tsconfig.json, the loader's among them; everything, with the tests, unless told
 * @returns {Promise<number>} the exit code
 */
export async function build(projects = []) {
  const code = await runTool("typescript", "tsc", ["-b", ...projects]);
  // Not before everything is installed.
  return code === 0 ? (await import("./bundle-worker.mjs")).bundleWorker() : code;
}

/** `node scripts/set-up.mjs` leaves a checkout ready to work in; with `--install-only` it compiles nothing. */
if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const code = await install();
  process.exitCode = code === 0 && !process.argv.includes("--install-only") ? await build() : code;
}
