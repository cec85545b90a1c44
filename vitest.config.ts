import { defineConfig } from "vitest/config";

/** `MILLRACE_TIER=long` adds the files named `*.long.test.ts` and raises the counts that `count(few, many)` gives. */
const long = process.env["MILLRACE_TIER"] === "long";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/*/test/*.test.mjs", "scripts/test/*.test.mjs"],
    exclude: long ? ["**/node_modules/**"] : ["**/node_modules/**", "**/*.long.test.{ts,mjs}"],
    pool: "forks",
    testTimeout: long ? 600_000 : 60_000,
    hookTimeout: 120_000,
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
  },
});
