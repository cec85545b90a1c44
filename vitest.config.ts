import { readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

/** `MILLRACE_TIER=long` adds the files named `*.long.test.ts` and raises the counts that `count(few, many)` gives. */
const long = process.env["MILLRACE_TIER"] === "long";

/** Files that count the tensors or choose the backend of the process: tfjs has one engine for all that runs in it. */
const ALONE: readonly string[] = [
  "packages/train/test/{backends,training,upload}/**/*.test.ts",
  "packages/train/test/train*.test.ts",
];

const LEFT_OUT: readonly string[] = ["**/node_modules/**", ...(long ? [] : ["**/*.long.test.{ts,mjs}"])];

/**
 * In the quick tier the files of a project share a process one after the other, which spares each of them a start and
 * its imports. In the long tier every file has a process of its own, so each test passes both beside others and alone.
 */
function project(name: string, include: readonly string[], exclude: readonly string[] = ALONE) {
  const isolate = long || include === ALONE;
  const test = { name, include: [...include], exclude: [...LEFT_OUT, ...exclude], isolate };
  return { extends: true as const, test };
}

export default defineConfig({
  test: {
    pool: "forks",
    ...(long ? {} : { maxWorkers: "100%" }),
    testTimeout: long ? 600_000 : 60_000,
    hookTimeout: 120_000,
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    projects: [
      ...readdirSync(new URL("packages", import.meta.url)).map((name) =>
        project(name, [`packages/${name}/test/**/*.test.ts`]),
      ),
      project("alone", ALONE, []),
      project("programs", ["examples/*/test/*.test.mjs", "scripts/test/*.test.mjs"]),
    ],
  },
});
