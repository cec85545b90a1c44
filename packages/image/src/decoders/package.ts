import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A package that is installed. */
export interface FoundPackage {
  readonly version: string;
  /** Its folder. */
  readonly folder: string;
  /** Loads a module as this package of millrace sees it. */
  readonly require: (name: string) => unknown;
}

/** Finds an installed package without running any of its code; `undefined` if there is none. */
export function findPackage(name: string): FoundPackage | undefined {
  const require = createRequire(import.meta.url);
  try {
    // Not every package lets its package.json be resolved; its entry point lies somewhere below its folder.
    let folder = dirname(require.resolve(name));
    while (!folder.endsWith(join("node_modules", name)) && folder !== dirname(folder)) folder = dirname(folder);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
    return { version, folder, require };
  } catch {
    return undefined;
  }
}
