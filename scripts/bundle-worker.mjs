/**
 * `node scripts/bundle-worker.mjs`: puts the compiled modules that a worker thread of the loader needs into a few files, as
 * a thread takes more than a millisecond for each module that it imports. The modules of each package become files
 * under its `dist/bundle/`; other packages stay outside, so that each is found from where it is a dependency. They are
 * CommonJS, which is loaded at once: a thread may be ended meanwhile (see `packages/loader/src/worker/entry.cts`).
 * Run it after `tsc -b`: the loader does not use a bundle that is older than the modules. With `--if-stale` it leaves one
 * alone that the loader would use.
 */
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { ROOT } from "./run-tool.mjs";

/** The bundles, each before those that need it: while the loader's is there, all are. */
const BUNDLES = [
  { name: "formats", entry: "shard-reading.js", file: "shard.cjs" },
  { name: "image", entry: "index.js", file: "index.cjs" },
  { name: "loader", entry: "worker/main.js", file: "worker.cjs" },
];

/** What packages export as CommonJS, by its name as modules. */
const COMMON_JS = new Map([
  ["@millrace/formats/shard", "@millrace/formats/shard.cjs"],
  ["@millrace/image", "@millrace/image/index.cjs"],
]);

/** Gives the bundler a module with the map to its source, so that stacks and coverage lead there. */
const sources = {
  name: "sources",
  load: (/** @type {string} */ id) => ({
    code: readFileSync(id, "utf8"),
    map: JSON.parse(readFileSync(`${id}.map`, "utf8")),
  }),
};

/** @param {string} file @returns {number} */
const changedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/**
 * Whether the loader would use its bundle, see `packages/loader/src/worker/worker-entry.ts`.
 *
 * @param {string} packages the folder of the packages
 */
function isFresh(packages) {
  const madeAt = changedAt(join(packages, "loader", "dist", "bundle", "worker.cjs"));
  return madeAt > 0 && BUNDLES.every(({ name }) => changedAt(join(packages, name, "dist", ".tsbuildinfo")) <= madeAt);
}

/**
 * Bundles what `tsc -b` has compiled.
 *
 * @param {string} [packages] the folder of the packages
 * @returns {Promise<number>} the exit code
 */
export async function bundleWorker(packages = join(ROOT, "packages")) {
  // What the compiler writes from here on may be missing in the bundle, which then counts as stale.
  const begin = new Date();
  // Threads that start meanwhile load the modules one by one; those that run keep the files that they may still need.
  const worker = join(packages, "loader", "dist", "bundle", "worker.cjs");
  rmSync(worker, { force: true });
  for (const { name, entry, file } of BUNDLES) {
    const dist = join(packages, name, "dist");
    const folder = join(dist, "bundle");
    const bundle = await rolldown({
      input: join(dist, entry),
      platform: "node",
      tsconfig: false,
      treeshake: { moduleSideEffects: "no-external" },
      // A worker writes no shards.
      external: (id) => (!id.startsWith(".") && !isAbsolute(id)) || id.endsWith("/writer.js"),
      plugins: [sources],
    });
    const { output } = await bundle.write({
      dir: folder,
      format: "cjs",
      entryFileNames: file,
      chunkFileNames: "[name]-[hash].cjs",
      dynamicImportInCjs: true,
      codeSplitting: { groups: [{ name: "shared", minShareCount: 2 }] },
      comments: false,
      paths: (id) => (isAbsolute(id) ? relative(folder, id).replaceAll("\\", "/") : (COMMON_JS.get(id) ?? id)),
      sourcemap: true,
    });
    await bundle.close();
    const written = new Set(output.map(({ fileName }) => fileName));
    for (const old of readdirSync(folder)) if (!written.has(old)) rmSync(join(folder, old));
  }
  utimesSync(worker, begin, begin);
  return 0;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const ifStale = process.argv.includes("--if-stale");
  const packages = process.argv.slice(2).find((argument) => argument !== "--if-stale") ?? join(ROOT, "packages");
  process.exitCode = ifStale && isFresh(packages) ? 0 : await bundleWorker(packages);
}
