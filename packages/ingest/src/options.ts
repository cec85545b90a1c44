import { z } from "zod";
import { FORMAT_NAMES, OptionError, type Compression, type FormatName } from "@millrace/formats";
import { cpuBudget } from "@millrace/image";
import type { ConvertProgress } from "./progress.js";
import { SOURCE_KINDS, type SourceKind } from "./sources/source.js";

/**
 * `encoded`: the bytes of the source as they are; `seekable`: the same, but each JPEG is rewritten, without a change of its
 * pixels, so that a loader decodes only the part of it that a crop needs; `raw`: pixels, uint8 `[height, width, 3]`, in a
 * ragged field where images differ in size.
 */
export const CONVERT_MODES = ["encoded", "seekable", "raw"] as const;
/** How images are kept in the dataset. */
export type ConvertMode = (typeof CONVERT_MODES)[number];

/** Options of {@link convert}. */
export interface ConvertOptions {
  /** Path of the raw images. */
  readonly source: string;
  /** Folder of the dataset; it is made, or is empty, or holds an unfinished conversion by the same options. */
  readonly out: string;
  /** Default `hdf5`. */
  readonly format?: FormatName | undefined;
  /** Default `raw` with a `size`, else `encoded`. */
  readonly mode?: ConvertMode | undefined;
  /** Height and width in pixels: scaled to cover the square, cut at the centre, EXIF orientation applied. */
  readonly size?: number | undefined;
  /**
   * How the pixels of HDF5 shards are packed, in mode `raw`: smaller files, and much slower reading. Default: not at all.
   */
  readonly compression?: Compression | undefined;
  /** Default 1024. */
  readonly samplesPerShard?: number | undefined;
  /** Share of each class that goes from the split `train` to `val`, `0 <= valFraction < 1`. Default 0. */
  readonly valFraction?: number | undefined;
  /** Of the shuffle into shards and splits. Default 0. */
  readonly seed?: number | undefined;
  /**
   * Threads that read, check and write; 0: none but the caller's. Default: the CPU budget. Images are decoded in the
   * process's own pool of threads: 4, or as many as the variable UV_THREADPOOL_SIZE says when the process starts. The
   * result does not depend on either.
   */
  readonly numWorkers?: number | undefined;
  /** Default: what `source` looks like. */
  readonly sourceKind?: SourceKind | undefined;
  /** What to do about an image that cannot be used: `skip` (default) logs it in `rejects.jsonl`, `fail` stops. */
  readonly onReject?: "skip" | "fail" | undefined;
  /** More rejected images than this are an error. Default: any number, but not all. */
  readonly maxRejects?: number | undefined;
  /** A larger share of rejected images is an error, 0 to 1. */
  readonly maxRejectFraction?: number | undefined;
  /** Replace the dataset, or the unfinished conversion by other options, that is in `out`. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Stops the conversion; it rejects with the signal's reason, and the same call goes on where it stopped. */
  readonly signal?: AbortSignal | undefined;
  /** Called as samples are written. */
  readonly onProgress?: ((progress: ConvertProgress) => void) | undefined;
}

/** {@link ConvertOptions} with every default filled in. */
export interface ResolvedOptions {
  readonly source: string;
  readonly out: string;
  readonly format: FormatName;
  readonly mode: ConvertMode;
  readonly size: number | undefined;
  readonly compression: Compression | undefined;
  readonly samplesPerShard: number;
  readonly valFraction: number;
  readonly seed: number;
  readonly numWorkers: number;
  readonly sourceKind: SourceKind | undefined;
  readonly onReject: "skip" | "fail";
  readonly maxRejects: number | undefined;
  readonly maxRejectFraction: number | undefined;
  readonly overwrite: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: ConvertProgress) => void) | undefined;
}

interface Rule {
  readonly schema: z.ZodType;
  /** What a value must be, in words. */
  readonly expected: string;
}

function oneOf(values: readonly [string, ...string[]]): Rule {
  return { schema: z.enum(values), expected: values.join(" | ") };
}

function whole(from: number, to: number): Rule {
  return { schema: z.int().min(from).max(to), expected: `a whole number from ${from} to ${to}` };
}

const PATH: Rule = {
  schema: z
    .string()
    .min(1)
    .refine((path) => !path.includes("\0")),
  expected: "a path",
};

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["source", PATH],
  ["out", PATH],
  ["format", oneOf(FORMAT_NAMES)],
  ["mode", oneOf(CONVERT_MODES)],
  ["size", whole(1, 16384)],
  ["compression", oneOf(["gzip"])],
  ["samplesPerShard", whole(1, 2 ** 24)],
  ["valFraction", { schema: z.number().min(0).lt(1), expected: "a number from 0 to less than 1" }],
  ["seed", whole(0, Number.MAX_SAFE_INTEGER)],
  ["numWorkers", whole(0, 1024)],
  ["sourceKind", oneOf(SOURCE_KINDS)],
  ["onReject", oneOf(["skip", "fail"])],
  ["maxRejects", whole(0, Number.MAX_SAFE_INTEGER)],
  ["maxRejectFraction", { schema: z.number().min(0).max(1), expected: "a number from 0 to 1" }],
  ["overwrite", { schema: z.boolean(), expected: "true or false" }],
  ["signal", { schema: z.instanceof(AbortSignal), expected: "an AbortSignal" }],
  ["onProgress", { schema: z.custom((value) => typeof value === "function"), expected: "a function" }],
]);

const REQUIRED: readonly string[] = ["source", "out"];

/**
 * Checks the options of a conversion and fills in the defaults.
 * @throws OptionError naming the option, what was expected and what was found.
 */
export function resolveOptions(options: ConvertOptions): ResolvedOptions {
  for (const [option, value] of Object.entries(options)) {
    const rule = RULES.get(option);
    if (rule === undefined)
      throw new OptionError({ option, problem: "there is no such option", expected: [...RULES.keys()].join(", ") });
    if (value === undefined) continue;
    if (!rule.schema.safeParse(value).success) refuse(option, rule.expected, value);
  }
  for (const option of REQUIRED) {
    if (options[option as "source" | "out"] === undefined) refuse(option, "a path", undefined);
  }
  const mode = options.mode ?? (options.size === undefined ? "encoded" : "raw");
  if (mode !== "raw" && options.size !== undefined) {
    throw new OptionError({
      option: "size",
      problem: `has no meaning in mode ${mode}, which keeps the ${mode === "encoded" ? "bytes" : "pixels"} of the source`,
      found: String(options.size),
      fix: "leave size out, or use mode raw",
    });
  }
  const format = options.format ?? "hdf5";
  checkCompression(options.compression, format, mode);
  return {
    source: options.source,
    out: options.out,
    format,
    mode,
    size: options.size,
    compression: options.compression,
    samplesPerShard: options.samplesPerShard ?? 1024,
    valFraction: options.valFraction ?? 0,
    seed: options.seed ?? 0,
    numWorkers: options.numWorkers ?? cpuBudget(),
    sourceKind: options.sourceKind,
    onReject: options.onReject ?? "skip",
    maxRejects: options.maxRejects,
    maxRejectFraction: options.maxRejectFraction,
    overwrite: options.overwrite ?? false,
    signal: options.signal,
    onProgress: options.onProgress,
  };
}

function checkCompression(compression: Compression | undefined, format: FormatName, mode: ConvertMode): void {
  if (compression === undefined || (format === "hdf5" && mode === "raw")) return;
  throw new OptionError({
    option: "compression",
    problem: format === "hdf5" ? "has no meaning for images that stay encoded" : `${format} shards are not written so`,
    expected: "format hdf5 and mode raw",
    found: `format ${format} and mode ${mode}`,
    fix: "leave compression out, or store pixels in hdf5",
  });
}

function refuse(option: string, expected: string, value: unknown): never {
  throw new OptionError({ option, problem: "has an impossible value", expected, found: described(value) });
}

function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}
