import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("the committed kernels are what the sources build", () => {
  const text = execFileSync(process.execPath, ["kernels/build.mjs", "--check"], { cwd: root, encoding: "utf8" });
  expect(text).toMatch(/^kernels-shared\.wasm: \d+ bytes\nkernels\.wasm: \d+ bytes\n$/u);
});
