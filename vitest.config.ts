import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** `MILLRACE_TIER=long` adds the files named `*.long.test.ts` and raises the counts that `count(few, many)` gives. */
const long = process.env["MILLRACE_TIER"] === "long";

/** Files that count the tensors or choose the backend of the process: tfjs has one engine for all that runs in it. */
const ALONE: readonly string[] = [
  "packages/train/test/{backends,training,upload}/**/*.test.ts",
  "packages/train/test/train*.test.ts",
];

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const TEST = /\.test\.m?[jt]s$/u;
/** What a file imports that has more to do in the long tier. */
const DEPENDS_ON_TIER = /import \{[^}]*\b(?:count|LONG_TIER)\b[^}]*\} from "@millrace\/testkit"/u;

/** The test files of a folder that do the same in both tiers: neither they nor what stands beside them asks for the tier. */
function sameInBothTiers(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.m?[jt]s$/u.test(name))
    .map((name) => join(folder, name));
  const dependsOnTier = (path: string): boolean => DEPENDS_ON_TIER.test(readFileSync(join(ROOT, path), "utf8"));
  if (files.some((path) => !TEST.test(path) && dependsOnTier(path))) return [];
  return files.filter((path) => TEST.test(path) && !path.includes(".long.test.") && !dependsOnTier(path));
}

/**
 * In a run of both tiers, one after the other, the long one leaves out what the quick one has done in full:
 * `MILLRACE_AFTER=quick`.
 */
const DONE: readonly string[] =
  long && process.env["MILLRACE_AFTER"] === "quick"
    ? [
        ...["packages", "examples"].flatMap((parent) =>
          readdirSync(join(ROOT, parent)).flatMap((name) => sameInBothTiers(`${parent}/${name}/test`)),
        ),
        ...sameInBothTiers("scripts/test"),
      ]
    : [];

const LEFT_OUT: readonly string[] = ["**/node_modules/**", ...(long ? DONE : ["**/*.long.test.{ts,mjs}"])];

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
