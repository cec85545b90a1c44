import { parseCompressReport } from "@millrace/train/compress";
import { tempDir } from "@millrace/testkit";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { millrace } from "./captured-io.js";
import { makeImages } from "./interrupted-runs.js";

const BIN = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

it("compress that is stopped while it measures the link to the loader keeps what the search has found", async () => {
  const [shards, run, out] = [await makeImages(), join(tempDir(), "run"), join(tempDir(), "small")];
  const flags = ["--batch-size", "8", "--backend", "wasm", "--num-workers", "0"];
  await millrace("train", shards, "--out", run, "--epochs", "1", ...flags, "-q");
  const search = ["--filters", "1", "--sparsity", "0.5", "--bits", "8", "--speed-seconds", "0.05"];
  const args = ["compress", join(run, "model"), "--dataset", shards, "--max-accuracy-drop", "0.9", "--out", out];
  const child = spawn(process.execPath, [BIN, ...args, ...flags, ...search], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  let isStopped = false;
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    if (!isStopped && stderr.includes("measuring what the smaller model asks")) isStopped = child.kill("SIGINT");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect([code, stderr.trim().split("\n").at(-1)]).toEqual([130, "millrace: stopped by SIGINT"]);
  expect(readdirSync(out).toSorted()).toEqual(["model", "model.packed", "report.html", "report.json"]);
  const report = parseCompressReport(readFileSync(join(out, "report.json"), "utf8"));
  expect([report.chosen?.bits, report.link]).toEqual([8, undefined]);
});
