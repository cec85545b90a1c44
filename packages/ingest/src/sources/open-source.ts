import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { SourceError } from "@millrace/formats";
import { openImageFolder } from "./image-folder.js";
import type { Source, SourceKind, SourceSpec } from "./source.js";

const OPENERS: Readonly<Record<SourceKind, (root: string) => Promise<Source>>> = {
  "image-folder": openImageFolder,
};

/**
 * The kind of source that a path looks like.
 * @throws SourceError if it looks like none.
 */
export async function detectSourceKind(path: string): Promise<SourceKind> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return "image-folder";
  throw new SourceError({
    file: path,
    problem: "is not a source that can be converted",
    expected: "a folder with one folder a class",
    found: found.isFile() ? "a file" : "a special file",
    fix: "name the folder that holds the class folders",
  });
}

/**
 * Opens a source.
 * @throws SourceError if it is missing or not of its kind.
 */
export async function openSource(spec: SourceSpec): Promise<Source> {
  return await OPENERS[spec.kind](resolve(spec.root));
}
