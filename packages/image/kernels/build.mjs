// Builds the kernels into src/kernels/: kernels.wasm imports a plain memory, kernels-shared.wasm a shared one.
// The code is the same; a module can import only the kind of memory that it names.
// `--check` builds in memory and compares with the committed files instead.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Most pages of 64 KiB that a module may name, so that a memory of any maximum can be imported. */
const PAGES = "65536";

const COMMON = [
  "index.ts",
  "--baseDir",
  here,
  "-O3",
  "--runtime",
  "stub",
  "--noAssert",
  "--importMemory",
  "--disableWarning=112",
];
const BUILDS = [
  { name: "kernels.wasm", flags: ["--initialMemory", "0", "--maximumMemory", PAGES, "--enable", "simd"] },
  {
    name: "kernels-shared.wasm",
    flags: ["--sharedMemory", "--initialMemory", "1", "--maximumMemory", PAGES, "--enable", "simd,threads"],
  },
];

const check = process.argv.includes("--check");
for (const { name, flags } of BUILDS) {
  /** @type {Uint8Array | undefined} */
  let bytes;
  const { error } = await main([...COMMON, ...flags, "--outFile", name], {
    stderr: process.stderr,
    writeFile: (file, contents) => {
      if (file === name && typeof contents !== "string") bytes = contents;
    },
  });
  if (error !== null || bytes === undefined) process.exit(1);
  const file = fileURLToPath(new URL(`../src/kernels/${name}`, import.meta.url));
  if (!check) writeFileSync(file, bytes);
  else if (Buffer.compare(readFileSync(file), bytes) !== 0) {
    process.stderr.write(`src/kernels/${name} is not what kernels/*.ts builds; run pnpm run kernels and commit it\n`);
    process.exit(1);
  }
  process.stdout.write(`${name}: ${bytes.length} bytes\n`);
}
