/**
 * `node scripts/bundle-worker.mjs`: puts the compiled modules that a worker thread of the loader needs into a few files, as
 * a thread takes more than a millisecond for each module that it imports. The modules of each package become files
 * under its `dist/bundle/`; other packages stay outside, so that each is found from where it is a dependency. They are
 * CommonJS, which is loaded at once: a thread may be ended meanwhile (see `packages/loader/src/worker/entry.cts`).
 * Run it after `tsc -b`: the loader does not use a bundle that is older than the modules.
 */
import { readFileSync, rmSync } from "node:fs";
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

/**
 * Bundles what `tsc -b` has compiled.
 *
 * @param {string} [packages] the folder of the packages
 * @returns {Promise<number>} the exit code
 */
export async function bundleWorker(packages = join(ROOT, "packages")) {
  const folders = BUNDLES.map(({ name }) => join(packages, name, "dist", "bundle"));
  for (const folder of folders.toReversed()) rmSync(folder, { recursive: true, force: true });
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
    await bundle.write({
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
  }
  return 0;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  process.exitCode = await bundleWorker(process.argv[2]);
