// Builds linux-x64/tfjs_binding.node, the addon that ships with @millrace/train, from the C++ source in the package
// @tensorflow/tfjs-node-gpu and the headers of the pinned TensorFlow wheel. The same g++ makes the same bytes.
//
//   node native/build.mjs [--check]
//
// `--check` compiles to a temporary folder and compares with the committed file instead; another g++ than the one in
// BUILD.json is told and proves nothing. Needs g++, and `millrace backend install tensorflow` before it.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilerArguments } from "../dist/backends/install/addon.js";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));
const target = join(here, "linux-x64", "tfjs_binding.node");
const record = join(here, "linux-x64", "BUILD.json");

const packageFolder = realpathSync(dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json")));
const compiler = execFileSync("g++", ["--version"], { encoding: "utf8" }).split("\n")[0];
const folder = mkdtempSync(join(tmpdir(), "millrace-addon-"));
try {
  const output = join(folder, "tfjs_binding.node");
  const args = compilerArguments({
    packageFolder,
    home: realpathSync(join(packageFolder, "deps")),
    nodeHeaders: join(dirname(require.resolve("node-api-headers/package.json")), "include"),
    output,
    sources: [join(here, "older-libstdcxx.cc")],
  });
  execFileSync("g++", args, { stdio: "inherit" });
  const addon = readFileSync(output);
  const sha256 = createHash("sha256").update(addon).digest("hex");
  if (process.argv.includes("--check")) check(sha256);
  else {
    writeFileSync(target, addon, { mode: 0o644 });
    const build = { source: "@tensorflow/tfjs-node-gpu 4.22.0", headers: "tensorflow-cpu 2.15.1", compiler, sha256 };
    writeFileSync(record, `${JSON.stringify(build, undefined, 2)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} sha256 of what was compiled */
function check(sha256) {
  const recorded = JSON.parse(readFileSync(record, "utf8"));
  if (compiler !== recorded.compiler) process.stdout.write(`built by ${recorded.compiler}, here is ${compiler}\n`);
  else if (sha256 === recorded.sha256) process.stdout.write(`${target} is what its source compiles to\n`);
  else {
    process.stderr.write(`${target} is not what its source compiles to; run node native/build.mjs and commit it\n`);
    process.exitCode = 1;
  }
}
