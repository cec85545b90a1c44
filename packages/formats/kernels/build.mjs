// Builds the transcoder of seekable JPEG into src/jpeg/wasm/transcoder.wasm. Its memory is its own and grows.
// `--check` builds in memory and compares with the committed file instead.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const here = fileURLToPath(new URL(".", import.meta.url));
const name = "transcoder.wasm";
const file = fileURLToPath(new URL(`../src/jpeg/wasm/${name}`, import.meta.url));
const FLAGS =
  "-O3 --runtime stub --noAssert --enable simd --disableWarning=112 --initialMemory 4 --maximumMemory 65536";

/** @type {Uint8Array | undefined} */
let bytes;
const { error } = await main(["index.ts", "--baseDir", here, ...FLAGS.split(" "), "--outFile", name], {
  stderr: process.stderr,
  writeFile: (to, contents) => {
    if (to === name && typeof contents !== "string") bytes = contents;
  },
});
if (error !== null || bytes === undefined) process.exit(1);
if (!process.argv.includes("--check")) writeFileSync(file, bytes);
else if (!readFileSync(file).equals(bytes)) {
  process.stderr.write(`src/jpeg/wasm/${name} is not what kernels/*.ts builds; run pnpm run kernels and commit it\n`);
  process.exit(1);
}
process.stdout.write(`${name}: ${bytes.length} bytes\n`);
