// Builds the kernels into src/kernels/: kernels.wasm imports a plain memory, kernels-shared.wasm a shared one.
// The code is the same; a module can import only the kind of memory that it names.
// `--check` builds in memory and compares with the committed files instead.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = fileURLToPath(new URL("../src/kernels/", import.meta.url));

/** Most pages of 64 KiB that a module may name, so that a memory of any maximum can be imported. */
const PAGES = "65536";

const COMMON = ["index.ts", "--baseDir", here, "-O3", "--runtime", "stub", "--noAssert", "--importMemory"];
const BUILDS = [
  ["kernels.wasm", ["--initialMemory", "0", "--maximumMemory", PAGES, "--enable", "simd"]],
  [
    "kernels-shared.wasm",
    ["--sharedMemory", "--initialMemory", "1", "--maximumMemory", PAGES, "--enable", "simd", "--enable", "threads"],
  ],
];

async function compile(name, flags) {
  let bytes;
  const { error, stderr } = await asc.main([...COMMON, ...flags, "--outFile", name], {
    writeFile: (file, contents) => {
      if (file === name) bytes = contents;
    },
  });
  if (error !== null || bytes === undefined) {
    process.stderr.write(stderr.toString());
    process.exit(1);
  }
  return bytes;
}

for (const [name, flags] of BUILDS) {
  const bytes = await compile(name, flags);
  if (!process.argv.includes("--check")) writeFileSync(`${target}${name}`, bytes);
  else if (Buffer.compare(readFileSync(`${target}${name}`), bytes) !== 0) {
    process.stderr.write(`src/kernels/${name} is not what kernels/*.ts builds; run pnpm run kernels and commit it\n`);
    process.exit(1);
  }
  process.stdout.write(`${name}: ${bytes.length} bytes\n`);
}
