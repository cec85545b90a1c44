import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import {
  fileError,
  indexPathOf,
  OptionError,
  removeTemporaries,
  temporaryPath,
  writeFileAtomic,
  type ShardEntry,
} from "@millrace/formats";
import { channelSumsSchema } from "./statistics.js";
import { notSeekableSchema } from "./not-seekable.js";
import { rejectSchema } from "./rejects.js";
import { findReplaced, removeReplaced, replacedFilesSchema, type ReplacedFiles } from "./replaced-files.js";
import type { ShardCount } from "./shard-files.js";
import type { ShardResult } from "./shard-task.js";

/**
 * What an unfinished conversion has done, in a hidden folder of the dataset in the making:
 *
 * ```text
 * .millrace-journal/plan.json          which conversion this is
 * .millrace-journal/replaced.json      what is being removed to make room, while it is
 * .millrace-journal/train-00000.json   a finished shard: its line of the manifest, statistics, rejects, and a stamp of
 *                                      its raw samples
 * ```
 * Every file is written atomically after the shard that it tells of, so a kill at any moment costs at most the shards
 * that were in the making. The folder goes after the manifest is there.
 */
export const JOURNAL_NAME = ".millrace-journal";

/** Name of the file in the journal's folder that says which conversion it is of; without it there is no journal. */
export const PLAN_NAME = "plan.json";
const REPLACED_NAME = "replaced.json";

/** Which conversion a journal is of. */
export interface JournalIdentity {
  /** SHA-256 of everything that shapes the result: tool, options, plan. */
  readonly digest: string;
  /** The options in it, to tell a user which of them differ. */
  readonly options: Readonly<Record<string, string | number | boolean | null>>;
  /** How many shards it plans. */
  readonly splits: readonly ShardCount[];
}

const Count = z.int().min(0);

const PlanFile = z.strictObject({
  journalVersion: z.literal(1),
  digest: z.string(),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  splits: z.array(z.strictObject({ name: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/u), shards: Count })),
  /** True while the dataset that is to be replaced is being removed. */
  clearing: z.boolean(),
});
type PlanFile = z.infer<typeof PlanFile>;

const Crc = z.string().regex(/^0x[0-9a-f]{8}$/u);

const entrySchema: z.ZodType<ShardEntry> = z.strictObject({
  path: z.string(),
  samples: Count,
  bytes: Count,
  crc32c: Crc,
  index: z.strictObject({ bytes: Count, crc32c: Crc }),
});

const shardResultSchema: z.ZodType<ShardResult> = z.strictObject({
  split: z.string(),
  number: Count,
  entry: entrySchema.nullable(),
  sums: channelSumsSchema,
  labelCounts: z.array(z.tuple([Count, Count])),
  rejects: z.array(rejectSchema),
  notSeekable: z.array(notSeekableSchema),
});

const shardFileSchema = z.strictObject({
  /** Of the raw samples as they were before the shard was begun. */
  stamp: z.string(),
  result: shardResultSchema,
});

/** SHA-256 in hex of a sequence of values, each as JSON. */
export function digestOf(values: Iterable<unknown>): string {
  const digest = createHash("sha256");
  for (const value of values) digest.update(`${JSON.stringify(value)}\n`);
  return digest.digest("hex");
}

/** The journal of a conversion that has the lock of its folder. */
export class Journal {
  readonly #folder: string;

  private constructor(readonly root: string) {
    this.#folder = join(root, JOURNAL_NAME);
  }

  /**
   * Opens the journal of an unfinished conversion, or removes what is to be replaced and begins one.
   * @throws OptionError if there is a journal of another conversion and `overwrite` is false.
   */
  static async open(root: string, identity: JournalIdentity, overwrite: boolean): Promise<Journal> {
    const journal = new Journal(root);
    const found = await journal.#readPlan();
    const same = found?.digest === identity.digest;
    if (found !== undefined && !same && !overwrite) refuseOther(root, found, identity);
    if (same && !found.clearing) return journal;
    await mkdir(journal.#folder, { recursive: true });
    const plan = { journalVersion: 1 as const, ...identity, splits: [...identity.splits] };
    const replaced = await journal.#noteReplaced(found, identity);
    await journal.#writePlan({ ...plan, clearing: true });
    await removeReplaced(root, replaced);
    for (const name of await readdir(journal.#folder)) {
      if (name !== PLAN_NAME) await rm(join(journal.#folder, name), { force: true });
    }
    await journal.#writePlan({ ...plan, clearing: false });
    return journal;
  }

  /**
   * The finished shards whose files are still there and whose raw samples are still those, by {@link shardName}.
   * @param stampOf - the stamp that the raw samples of a shard have now
   */
  async finished(stampOf: (shard: string) => Promise<string | undefined>): Promise<Map<string, ShardResult>> {
    await removeTemporaries(this.#folder);
    const results = new Map<string, ShardResult>();
    for (const name of await readdir(this.#folder)) {
      if (name === PLAN_NAME) continue;
      const found = await readShardFile(join(this.#folder, name));
      if (found === undefined || !(await isThere(this.root, found.result.entry))) continue;
      const shard = shardName(found.result);
      if ((await stampOf(shard)) === found.stamp) results.set(shard, found.result);
    }
    return results;
  }

  /** Notes that a shard is finished, and the stamp that its raw samples had before it was begun. */
  async record(result: ShardResult, stamp: string): Promise<void> {
    await writeFileAtomic(join(this.#folder, `${shardName(result)}.json`), JSON.stringify({ stamp, result }));
  }

  /** Takes back that a shard is finished; its files are replaced when it is written anew. */
  async forget(result: ShardResult): Promise<void> {
    await rm(join(this.#folder, `${shardName(result)}.json`), { force: true });
  }

  /** Removes the journal: the conversion is finished. */
  async remove(): Promise<void> {
    const aside = temporaryPath(this.#folder);
    await rename(this.#folder, aside);
    await rm(aside, { recursive: true, force: true });
  }

  /** `undefined` if there is none; a plan that cannot be read is one of an unknown conversion. */
  async #readPlan(): Promise<PlanFile | undefined> {
    const text = await readFile(join(this.#folder, PLAN_NAME), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return PlanFile.parse(JSON.parse(text));
    } catch {
      return { journalVersion: 1, digest: "", options: {}, splits: [], clearing: false };
    }
  }

  /** Notes what is to be removed before the manifest and the plan that name it go, so that a kill loses nothing of it. */
  async #noteReplaced(found: PlanFile | undefined, identity: JournalIdentity): Promise<ReplacedFiles> {
    const file = join(this.#folder, REPLACED_NAME);
    const text = await readFile(file, "utf8").catch(() => undefined);
    const earlier = parseReplaced(text);
    const isUnreadable = found?.digest === "" || (text !== undefined && earlier === undefined);
    const begun = found?.clearing === true ? undefined : found;
    const plan = begun === undefined ? undefined : { format: begun.options["format"], splits: begun.splits };
    const splits = identity.splits.map(({ name }) => name);
    const replaced = await findReplaced(this.root, isUnreadable ? "unreadable" : plan, splits);
    const all = {
      files: [...new Set([...replaced.files, ...(earlier?.files ?? [])])],
      folders: [...new Set([...replaced.folders, ...(earlier?.folders ?? [])])],
    };
    await writeFileAtomic(file, JSON.stringify(all));
    return all;
  }

  async #writePlan(plan: PlanFile): Promise<void> {
    await writeFileAtomic(join(this.#folder, PLAN_NAME), JSON.stringify(plan));
  }
}

/** `train-00003`: names a shard in a journal and in progress. */
export function shardName(shard: { readonly split: string; readonly number: number }): string {
  return `${shard.split}-${String(shard.number).padStart(5, "0")}`;
}

function parseReplaced(text: string | undefined): ReplacedFiles | undefined {
  try {
    return replacedFilesSchema.parse(JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}

async function readShardFile(file: string): Promise<z.infer<typeof shardFileSchema> | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw fileError(file, "read the journal", error);
  }
  try {
    return shardFileSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function isThere(root: string, entry: ShardEntry | null): Promise<boolean> {
  if (entry === null) return true;
  const path = join(root, entry.path);
  const sizes = await Promise.all(
    [path, indexPathOf(path)].map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => -1,
      ),
    ),
  );
  return sizes[0] === entry.bytes && sizes[1] === entry.index.bytes;
}

function refuseOther(root: string, found: PlanFile, identity: JournalIdentity): never {
  const theirs = new Map(Object.entries(found.options));
  const differing = Object.entries(identity.options).filter(([name, value]) => theirs.get(name) !== value);
  const text = (pick: (name: string, value: unknown) => unknown): string =>
    differing.map(([name, value]) => `${name} ${JSON.stringify(pick(name, value))}`).join(", ");
  throw new OptionError({
    option: "out",
    problem:
      differing.length > 0
        ? "holds an unfinished conversion by other options"
        : "holds an unfinished conversion of other raw images",
    expected: differing.length > 0 ? text((name) => theirs.get(name)) : undefined,
    found: differing.length > 0 ? text((_, value) => value) : root,
    fix: "repeat the command that began it, or begin anew with overwrite (--overwrite)",
  });
}
