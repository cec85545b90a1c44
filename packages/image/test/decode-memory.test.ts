import { skipReason } from "@millrace/testkit";
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const canLimit = process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;
const reason = skipReason(canLimit, "prlimit", "it is part of util-linux");

it.skipIf(reason !== undefined)("an image for which there is no memory is not a bad image", () => {
  const script = fileURLToPath(new URL("starved-decode.mjs", import.meta.url));
  const said = execFileSync(process.execPath, [script], { encoding: "utf8" });
  expect(said).toMatch(/^WORKER key large\.png: there is not enough memory .*; lower numWorkers\n$/u);
});
