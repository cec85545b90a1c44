import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "./atomic-file.js";
import { writeCanonical } from "./canonical-text.js";
import { DTYPES } from "./dtype.js";
import { fileError, isMillraceError, ManifestError, OptionError } from "./errors.js";
import { FORMAT_NAMES } from "./format.js";
import { checkSchema, ENCODINGS, MAX_RANK, type Schema } from "./schema.js";
import { CRC_TEXT, MAX_SHARD_PATH, splitShards } from "./shard-entries.js";

/** Name of the manifest in a dataset's folder. */
export const MANIFEST_NAME = "dataset.json";
/** Version of the manifest that this version writes; it reads this one only. */
export const MANIFEST_VERSION = 1;

const Crc = z.string().regex(CRC_TEXT);
const Count = z.int().min(0);
const FieldName = z.string().min(1).max(100);

const FieldSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    name: FieldName,
    kind: z.literal("tensor"),
    dtype: z.enum(DTYPES),
    shape: z.array(z.int().min(1)).max(MAX_RANK),
  }),
  z.strictObject({
    name: FieldName,
    kind: z.literal("ragged"),
    dtype: z.enum(DTYPES),
    rank: z.int().min(1).max(MAX_RANK),
  }),
  z.strictObject({ name: FieldName, kind: z.literal("bytes"), encoding: z.enum(ENCODINGS) }),
  z.strictObject({ name: FieldName, kind: z.literal("string") }),
]);

const ShardSchema = z.strictObject({
  path: z.string().min(1).max(MAX_SHARD_PATH),
  samples: Count,
  bytes: Count,
  crc32c: Crc,
  index: z.strictObject({ bytes: Count, crc32c: Crc }),
});

/** A split is a folder. */
const SPLIT_NAME = /^[A-Za-z0-9_-]{1,100}$/u;

const SplitSchema = z.strictObject({
  name: z.string().regex(SPLIT_NAME),
  samples: Count,
  classCounts: z.array(Count),
  shards: z.array(ShardSchema),
});

/** The zod schema of `dataset.json`. */
export const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  manifestVersion: z.literal(MANIFEST_VERSION),
  format: z.enum(FORMAT_NAMES),
  schema: z.strictObject({ fields: z.array(FieldSchema).min(1) }),
  splits: z.array(SplitSchema),
  classes: z.array(z.string()),
  statistics: z
    .strictObject({ field: FieldName, values: Count, mean: z.array(z.number()), std: z.array(z.number()) })
    .nullable(),
  provenance: z.strictObject({
    tool: z.string(),
    sourceKind: z.string(),
    options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    rejected: Count,
  }),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/u),
});

/** One shard as the manifest lists it. */
export interface ShardEntry {
  /** Relative to the dataset's folder, with forward slashes. */
  readonly path: string;
  readonly samples: number;
  readonly bytes: number;
  /** CRC-32C of the whole file, `0x` and 8 digits. */
  readonly crc32c: string;
  /** Its sidecar, `shard-00000.index`; its CRC-32C is the one at its end, so of everything before that. */
  readonly index: { readonly bytes: number; readonly crc32c: string };
}

/** One split: train, val, test or a name of the user's. */
export interface SplitEntry {
  readonly name: string;
  readonly samples: number;
  /** Samples of each class, in the order of `classes`; empty without classes. */
  readonly classCounts: readonly number[];
  readonly shards: readonly ShardEntry[];
}

/** Mean and population standard deviation of each channel, as fractions of the dtype's range (0..1 for uint8). */
export interface Statistics {
  /** The field that was measured. */
  readonly field: string;
  /** Pixels that went into it. */
  readonly values: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** How a dataset was made. */
export interface Provenance {
  /** `millrace 0.1.0` */
  readonly tool: string;
  readonly sourceKind: string;
  /** The options that shaped the result; never those that do not, such as the number of workers. */
  readonly options: Readonly<Record<string, string | number | boolean | null>>;
  /** Raw samples that were left out. */
  readonly rejected: number;
}

/** The content of `dataset.json`: written last, it is the commit of a conversion. */
export interface Manifest {
  readonly manifestVersion: 1;
  readonly format: (typeof FORMAT_NAMES)[number];
  readonly schema: Schema;
  readonly splits: readonly SplitEntry[];
  /** Class names; a label is an index into them. Empty without classes. */
  readonly classes: readonly string[];
  /** Of the train split, or of all where there is none; `null` where they were not computed. */
  readonly statistics: Statistics | null;
  readonly provenance: Provenance;
  /** SHA-256 of everything else in the manifest, checksums of the shards included. */
  readonly fingerprint: string;
}

/** SHA-256, in hex, of a manifest's content: two datasets with the same fingerprint hold the same samples. */
export function fingerprintOf(manifest: Omit<Manifest, "fingerprint">): string {
  const { fingerprint: _, ...content } = manifest as Manifest;
  const hash = createHash("sha256");
  writeCanonical(content, (text) => hash.update(text));
  return hash.digest("hex");
}

/**
 * Checks the name of a split.
 * @throws {@link OptionError} if it cannot be the name of a folder of a dataset.
 */
export function checkSplitName(name: string): void {
  if (SPLIT_NAME.test(name)) return;
  throw new OptionError({
    option: "split",
    problem: "is not the name of a split",
    expected: "letters, digits, _ -, at most 100",
    found: name,
  });
}

/**
 * Writes `dataset.json` into `root` atomically and returns what was written.
 * @throws {@link ManifestError} if {@link readManifest} would not take it; {@link FileError} if the system refuses.
 */
export async function writeManifest(root: string, content: Omit<Manifest, "fingerprint">): Promise<Manifest> {
  checkSchema(content.schema);
  const file = join(root, MANIFEST_NAME);
  const manifest: Manifest = { ...content, fingerprint: fingerprintOf(content) };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  parseManifest(text, file);
  await writeFileAtomic(file, text);
  return manifest;
}

/**
 * Parses the text of a manifest and checks it against itself.
 * @throws {@link ManifestError} naming the first entry that is wrong.
 */
export function parseManifest(text: string, file: string): Manifest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ManifestError({
      file,
      problem: "is not JSON",
      found: (error as Error).message,
      fix: "restore it, or repeat the conversion",
      cause: error,
    });
  }
  const version = (data as { manifestVersion?: unknown } | null)?.manifestVersion;
  if (version !== MANIFEST_VERSION) {
    const newer = typeof version === "number" && version > MANIFEST_VERSION;
    throw new ManifestError({
      file,
      problem: "has an unknown manifestVersion",
      expected: String(MANIFEST_VERSION),
      found: JSON.stringify(version) ?? "none",
      fix: newer ? "upgrade millrace" : "is this the dataset.json of another tool?",
    });
  }
  const manifest = checkShape(data, file);
  checkManifest(manifest, file);
  return manifest;
}

function checkShape(data: unknown, file: string): Manifest {
  const apart = splitShards(data);
  const parsed = manifestSchema.safeParse(apart?.rest ?? data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ManifestError({
      file,
      problem: `${issue?.path.join(".") ?? "the document"}: ${issue?.message ?? "is wrong"}`,
      fix: "restore it, or repeat the conversion",
    });
  }
  const { data: manifest } = parsed;
  if (apart === undefined) return manifest;
  return { ...manifest, splits: manifest.splits.map((split, n) => ({ ...split, shards: apart.lists[n] ?? [] })) };
}

function checkManifest(manifest: Manifest, file: string): void {
  try {
    checkSchema(manifest.schema);
  } catch (error) {
    throw isMillraceError(error) ? new ManifestError({ file, problem: error.message, cause: error }) : error;
  }
  const found = fingerprintOf(manifest);
  if (found !== manifest.fingerprint) {
    throw new ManifestError({
      file,
      problem: "was changed after it was written: the fingerprint does not fit",
      expected: manifest.fingerprint,
      found,
      fix: "restore it, or repeat the conversion",
    });
  }
  for (const split of manifest.splits) {
    const samples = split.shards.reduce((sum, shard) => sum + shard.samples, 0);
    if (samples !== split.samples) {
      throw new ManifestError({
        file,
        problem: `the shards of the split ${split.name} do not add up`,
        expected: `${split.samples} samples`,
        found: `${samples}`,
      });
    }
  }
}

/**
 * Reads the manifest of the dataset in `root`.
 * @throws {@link ManifestError} if there is none or it is wrong.
 */
export async function readManifest(root: string): Promise<Manifest> {
  const file = join(root, MANIFEST_NAME);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw fileError(file, "read the manifest", error);
    throw new ManifestError({
      file,
      problem: "there is no dataset here",
      fix: "name a folder that millrace convert has finished, or the files of shards in it, such as *.tar",
      cause: error,
    });
  }
  return parseManifest(text, file);
}
