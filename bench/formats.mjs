/**
 * `node bench/formats.mjs [--only gather,open,…] [--rounds N] [--gib N] [--docs]`: reading, opening, indexing and writing
 * of millrace's formats against h5py, pyarrow, tf.data, plain reads and plain writes, each pair in one run, in turns,
 * after a warm-up. Needs `npm run build` and `node scripts/oracles.mjs h5py pyarrow tensorflow`. Writes
 * bench/results/formats.json; lines of sections that were not run are kept from before. `--docs` writes the table into
 * docs/formats.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checksums } from "./formats/checksums.mjs";
import { gather } from "./formats/gather.mjs";
import { memory } from "./formats/memory.mjs";
import { open } from "./formats/open.mjs";
import { scan } from "./formats/scan.mjs";
import { sequential } from "./formats/sequential.mjs";
import { tableOf, writeDocs } from "./formats/table.mjs";
import { write } from "./formats/write.mjs";

const SECTIONS = new Map(Object.entries({ gather, sequential, open, scan, write, memory, checksums }));
const RESULTS = new URL("results/formats.json", import.meta.url);

const { values } = parseArgs({
  options: {
    only: { type: "string", default: [...SECTIONS.keys()].join(",") },
    rounds: { type: "string", default: "15" },
    gib: { type: "string", default: "6" },
    docs: { type: "boolean", default: false },
  },
});
const wanted = values.only.split(",").filter((name) => name !== "");
const unknown = wanted.filter((name) => !SECTIONS.has(name));
if (unknown.length > 0) {
  console.error(`unknown section ${unknown.join(", ")}; expected ${[...SECTIONS.keys()].join(", ")}`);
  process.exit(2);
}

/** What is there from before, by section. */
function earlier() {
  try {
    return JSON.parse(readFileSync(RESULTS, "utf8")).sections ?? {};
  } catch {
    return {};
  }
}

const results = new Map(Object.entries(earlier()));
for (const name of wanted) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const startedAt = performance.now();
  try {
    const lines = await SECTIONS.get(name)({ folder, rounds: Number(values.rounds), gib: Number(values.gib) });
    const seconds = (performance.now() - startedAt) / 1000;
    results.set(name, { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, seconds, lines });
    console.log(`${name}, ${seconds.toFixed(0)} s\n${tableOf(lines)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
mkdirSync(new URL("results/", import.meta.url), { recursive: true });
const sections = Object.fromEntries(
  [...SECTIONS.keys()].flatMap((name) => (results.has(name) ? [[name, results.get(name)]] : [])),
);
writeFileSync(RESULTS, `${JSON.stringify({ bench: "formats", sections }, null, 2)}\n`);
if (values.docs) writeDocs(sections);
