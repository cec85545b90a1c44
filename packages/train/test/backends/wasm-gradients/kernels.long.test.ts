import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("the committed kernels are what their sources compile to", () => {
  const build = fileURLToPath(new URL("../../../kernels/build.mjs", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [build, "--check"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
