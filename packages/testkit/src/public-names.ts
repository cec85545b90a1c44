import { readFileSync } from "node:fs";

/** `export declare class Name`, `export interface Name`, … as the compiler writes them. */
const DECLARATION =
  /^(export )?(?:declare )?(?:abstract )?(class|const|enum|function|interface|let|namespace|type) ([\w$]+)/gm;

/** `export * from "./file.js";`, `export { A, type B, c as D } from "@millrace/formats";`, `export {};` */
const RE_EXPORT = /^export (?:type )?(\*|\{[^}]*\})(?: from "([^"]+)")?;/gm;

/**
 * The public names of a package, types with them, sorted by name: `class ManifestError`, `function openDataset`,
 * `interface Dataset`, `external Schema` for one that is another package's. Meant for a snapshot, so that a name comes, goes or becomes something else only on purpose.
 *
 * @param declarations the URL of the package's compiled index: `new URL("../dist/index.d.ts", import.meta.url)`
 */
export function publicNames(declarations: URL): readonly string[] {
  const names = [...exportsOf(declarations)].map(([name, kind]) => `${kind} ${name}`);
  return names.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey(line: string): string {
  const [kind = "", name = ""] = line.split(" ");
  return `${name} ${kind}`;
}

/** Name to kind, for one file and the files it re-exports. */
function exportsOf(file: URL): Map<string, string> {
  const text = readFileSync(file, "utf8");
  const found = new Map<string, string>();
  const local = new Map<string, string>();
  for (const [, exported, kind = "", name = ""] of text.matchAll(DECLARATION)) {
    const known = local.get(name);
    local.set(name, known === undefined || known === kind ? kind : `${known}+${kind}`);
    if (exported !== undefined) found.set(name, local.get(name) ?? kind);
  }
  for (const [, what = "", from] of text.matchAll(RE_EXPORT)) {
    const source = sourceOf(from, file) ?? local;
    const names = what === "*" ? [...source.keys()] : what.slice(1, -1).split(",");
    for (const entry of names.map((name) => name.trim()).filter((name) => name !== "")) {
      const [original = "", alias = original] = entry.replace(/^type /, "").split(" as ");
      found.set(alias, source.get(original) ?? "external");
    }
  }
  return found;
}

/** The exports of the file that a re-export names, none for another package, `undefined` for the file itself. */
function sourceOf(from: string | undefined, file: URL): Map<string, string> | undefined {
  if (from === undefined) return undefined;
  return from.startsWith(".") ? exportsOf(new URL(from.replace(/\.js$/, ".d.ts"), file)) : new Map();
}
