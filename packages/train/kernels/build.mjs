// Compiles the kernels into src/backends/wasm-gradients/gradients.wasm. `--check` compiles in memory and compares with
// the committed file instead.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const NAME = "gradients.wasm";
const here = fileURLToPath(new URL(".", import.meta.url));
const target = fileURLToPath(new URL(`../src/backends/wasm-gradients/${NAME}`, import.meta.url));
const options = ["--runtime", "stub", "--importMemory", "--noAssert", "--enable", "simd", "-O3", "--converge"];

let bytes;
const { error } = await main(["gradients.ts", "--baseDir", here, "--outFile", NAME, ...options], {
  stderr: process.stderr,
  writeFile: (file, contents) => {
    if (file === NAME) bytes = contents;
  },
});
if (error !== null || bytes === undefined) {
  process.exitCode = 1;
} else if (!process.argv.includes("--check")) {
  writeFileSync(target, bytes);
} else if (Buffer.compare(readFileSync(target), bytes) !== 0) {
  process.stderr.write(`${target} is not what kernels/*.ts compiles to; run pnpm run kernels and commit it\n`);
  process.exitCode = 1;
}
