// Builds the kernels into src/kernels/: kernels-shared.wasm imports a shared memory, kernels.wasm one that is not. A
// module can import only the kind of memory that it names, and this is all in which the two differ.
// `--check` builds in memory and compares with the committed files instead.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const here = fileURLToPath(new URL(".", import.meta.url));
// The imported memory may have any size: up to 65536 pages of 64 KiB.
const FLAGS =
  "-O3 --runtime stub --noAssert --enable simd,threads --disableWarning=112 " +
  "--importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536";

async function build() {
  /** @type {Uint8Array | undefined} */
  let bytes;
  const { error } = await main(["index.ts", "--baseDir", here, ...FLAGS.split(" "), "--outFile", "kernels.wasm"], {
    stderr: process.stderr,
    writeFile: (file, contents) => {
      if (file === "kernels.wasm" && typeof contents !== "string") bytes = contents;
    },
  });
  if (error !== null || bytes === undefined) process.exit(1);
  return bytes;
}

/**
 * The same module for a memory that is not shared: in the import's limits, flag 3 (shared, with a maximum) becomes 1.
 * @param {Uint8Array} shared
 */
function unshared(shared) {
  const bytes = Buffer.from(shared);
  const memory = Buffer.from("\u0003env\u0006memory\u0002\u0003", "latin1");
  const at = bytes.indexOf(memory);
  if (at < 0 || bytes.includes(memory, at + 1)) {
    process.stderr.write("the module does not have exactly one import of a shared memory\n");
    process.exit(1);
  }
  bytes[at + memory.length - 1] = 1;
  return bytes;
}

const shared = await build();
for (const { name, bytes } of [
  { name: "kernels-shared.wasm", bytes: shared },
  { name: "kernels.wasm", bytes: unshared(shared) },
]) {
  const file = fileURLToPath(new URL(`../src/kernels/${name}`, import.meta.url));
  if (!process.argv.includes("--check")) writeFileSync(file, bytes);
  else if (!readFileSync(file).equals(bytes)) {
    process.stderr.write(`src/kernels/${name} is not what kernels/*.ts builds; run pnpm run kernels and commit it\n`);
    process.exit(1);
  }
  process.stdout.write(`${name}: ${bytes.length} bytes\n`);
}
