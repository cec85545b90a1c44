import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Packages whose modules a worker runs. */
const PACKAGES = ["@millrace/formats", "@millrace/image"] as const;

function changedAt(file: URL): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/**
 * The file that a worker thread starts with. A published package has the worker's modules in one file, and so has a
 * checkout after `npm run build`; where there is none, or the compiler has run since, they are loaded one by one, which
 * takes each thread some 0.15 s more.
 * @param loader - Folder of the package's compiled files.
 * @param others - Those of the packages that it depends on.
 */
export function workerEntry(
  loader: URL = new URL("../", import.meta.url),
  others: readonly URL[] = distFolders(),
): string {
  const bundle = new URL("bundle/worker.cjs", loader);
  const madeAt = changedAt(bundle);
  // Only the compiler's own notes say when it ran; they are not published.
  const isFresh = (folder: URL): boolean => (changedAt(new URL(".tsbuildinfo", folder)) ?? 0) <= (madeAt ?? -1);
  return fileURLToPath([loader, ...others].every(isFresh) ? bundle : new URL("worker/entry.cjs", loader));
}

function distFolders(): URL[] {
  const { resolve } = createRequire(import.meta.url);
  return PACKAGES.map((name) => new URL("dist/", pathToFileURL(resolve(`${name}/package.json`))));
}
