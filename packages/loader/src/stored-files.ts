import { checkShardLinks, isMillraceError, tensorBytes, type ShardLocation } from "@millrace/formats";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { FieldPlan } from "./fields.js";
import { directProblem } from "./storage/direct-access.js";
import type { StorageRoute } from "./storage-routes.js";

/** What there is to say of the files of a split. */
export interface StoredFiles {
  readonly bytes: number;
  readonly samples: number;
  /** Why not all of the fields that are loaded can be read past the page cache, as a clause; empty if they can. */
  readonly coldProblem: string;
}

/** Fields of so few bytes are left out of account: labels cost storage nothing, as their columns are kept in memory. */
const TINY_BYTES = 64;

/**
 * Looks at the files of a split: their size, where no manifest says it, and, of the first of each folder, whether it can
 * be read past the page cache.
 */
export function describeFiles(
  shards: readonly ShardLocation[],
  fields: readonly FieldPlan[],
  routes: ReadonlyMap<string, StorageRoute>,
): StoredFiles {
  const large = fields.filter(({ field }) => field.kind !== "tensor" || tensorBytes(field) > TINY_BYTES);
  return {
    bytes: shards.reduce((sum, shard) => sum + (shard.entry?.bytes ?? sizeOf(shard.path)), 0),
    samples: shards.reduce((sum, shard) => sum + shard.samples, 0),
    coldProblem: routeProblem(large, routes) ?? fileProblem(shards),
  };
}

function routeProblem(fields: readonly FieldPlan[], routes: ReadonlyMap<string, StorageRoute>): string | undefined {
  for (const { field } of fields) {
    const route = routes.get(field.name);
    if (route?.isPlain === false) return `the field ${field.name} is read ${route.text}`;
  }
  return undefined;
}

function fileProblem(shards: readonly ShardLocation[]): string {
  const folders = new Set<string>();
  for (const location of shards) {
    const { path } = location;
    const folder = dirname(path);
    if (folders.has(folder)) continue;
    folders.add(folder);
    const problem = linkProblem(location) ?? directProblem(path);
    if (problem !== "") return problem;
  }
  return "";
}

/** Nothing is read of a file that a link leads out to. */
function linkProblem(location: ShardLocation): string | undefined {
  try {
    checkShardLinks(location);
    return undefined;
  } catch (error) {
    if (isMillraceError(error)) return error.message;
    throw error;
  }
}

/** Bytes of a file; 0 if it is gone, which its samples will say. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
