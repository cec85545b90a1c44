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
 * Compiles what has changed.
 *
 * @param {readonly string[]} projects folders with a tsconfig.json; everything, with the tests, unless told
 * @returns {Promise<number>} the exit code
 */
export function build(projects = []) {
  return runTool("typescript", "tsc", ["-b", ...projects]);
}

/** `node scripts/set-up.mjs` leaves a checkout ready to work in; with `--install-only` it compiles nothing. */
if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const code = await install();
  process.exitCode = code === 0 && !process.argv.includes("--install-only") ? await build() : code;
}
