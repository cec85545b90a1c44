/** The code of an error class: its name without `Error`, in capitals. */
export type ErrorCode =
  | "OPTION"
  | "MANIFEST"
  | "SCHEMA"
  | "CORRUPT_SHARD"
  | "UNSUPPORTED"
  | "SOURCE"
  | "IMAGE"
  | "SAMPLE"
  | "FILE"
  | "WORKER"
  | "STATE"
  | "CLOSED"
  | "BACKEND";

/** Where something failed. Every field is optional; the text names those that are there. */
export interface ErrorPlace {
  /** Path of the file, as the caller named it. */
  readonly file?: string | undefined;
  /** Zero-based row of the sample in its shard. */
  readonly sample?: number | undefined;
  /** The sample's key, which is the path of its source. */
  readonly key?: string | undefined;
  /** Name of the schema's field. */
  readonly field?: string | undefined;
  /** Byte offset in the file. */
  readonly byte?: number | undefined;
  /** Name of the option, in camelCase. */
  readonly option?: string | undefined;
}

/** What a {@link MillraceError} says: what failed, where, what was expected and found, and the way out. */
export interface ErrorDetail extends ErrorPlace {
  readonly problem: string;
  /** A code for machines, finer than the error's own: why an image was rejected, for one. */
  readonly reason?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What the user can do about it, as an imperative: `repeat the conversion`. */
  readonly fix?: string | undefined;
  /** The error underneath, where there is one. */
  readonly cause?: unknown;
}

/** Replaces control characters, which data from outside could use to forge terminal output, by their escapes. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/gu,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function compose(detail: ErrorDetail): string {
  const place = [
    detail.file,
    detail.option === undefined ? undefined : `option ${detail.option}`,
    detail.sample === undefined ? undefined : `sample ${detail.sample}`,
    detail.key === undefined ? undefined : `key ${detail.key}`,
    detail.field === undefined ? undefined : `field ${detail.field}`,
    detail.byte === undefined ? undefined : `byte ${detail.byte}`,
  ].filter((part) => part !== undefined);
  let text = place.length > 0 ? `${place.join(", ")}: ${detail.problem}` : detail.problem;
  if (detail.expected !== undefined) text += `; expected ${detail.expected}`;
  if (detail.found !== undefined) text += `${detail.expected === undefined ? ";" : ","} found ${detail.found}`;
  if (detail.fix !== undefined) text += `; ${detail.fix}`;
  return printable(text);
}

/**
 * The base of every error that millrace throws on purpose. Catch by code with {@link isMillraceError}.
 * An error that is not one of these is a defect of millrace.
 */
export abstract class MillraceError extends Error {
  abstract readonly code: ErrorCode;
  /** Exit code of the command line: 2 for usage, 3 for data, 4 for the run. */
  abstract readonly exitCode: 2 | 3 | 4;
  readonly detail: Readonly<ErrorDetail>;

  constructor(detail: ErrorDetail) {
    super(compose(detail), detail.cause === undefined ? undefined : { cause: detail.cause });
    this.detail = detail;
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** An option or flag has an impossible value. */
export class OptionError extends MillraceError {
  readonly code = "OPTION";
  readonly exitCode = 2;
}

/** `dataset.json` is missing, unreadable, of an unknown version, or contradicts the files beside it. */
export class ManifestError extends MillraceError {
  readonly code = "MANIFEST";
  readonly exitCode = 3;
}

/** A schema is impossible, or a sample does not fit it. */
export class SchemaError extends MillraceError {
  readonly code = "SCHEMA";
  readonly exitCode = 3;
}

/** A shard is truncated, damaged, or its bytes do not match their checksum. */
export class CorruptShardError extends MillraceError {
  readonly code = "CORRUPT_SHARD";
  readonly exitCode = 3;
}

/** The file is valid, but uses something that this version does not read. */
export class UnsupportedError extends MillraceError {
  readonly code = "UNSUPPORTED";
  readonly exitCode = 3;
}

/** The raw source of a conversion is missing, empty, or not what it should be. */
export class SourceError extends MillraceError {
  readonly code = "SOURCE";
  readonly exitCode = 3;
}

/** The bytes of an image cannot be decoded; `detail.reason` is the code that the reject log shows. */
export class ImageError extends MillraceError {
  readonly code = "IMAGE";
  readonly exitCode = 3;
}

/** A sample could not be read, decoded or transformed while loading. */
export class SampleError extends MillraceError {
  readonly code = "SAMPLE";
  readonly exitCode = 3;
}

/** The operating system refused a file: not found, no permission, disk full. */
export class FileError extends MillraceError {
  readonly code = "FILE";
  readonly exitCode = 3;
}

/** A worker thread died, hung, or ran out of memory. */
export class WorkerError extends MillraceError {
  readonly code = "WORKER";
  readonly exitCode = 4;
}

/** A saved state belongs to another dataset, or is damaged. */
export class StateError extends MillraceError {
  readonly code = "STATE";
  readonly exitCode = 4;
}

/** Something closed was used. */
export class ClosedError extends MillraceError {
  readonly code = "CLOSED";
  readonly exitCode = 4;
}

/** A compute backend is not usable, or failed in a step. */
export class BackendError extends MillraceError {
  readonly code = "BACKEND";
  readonly exitCode = 4;
}

const CLASSES: ReadonlyMap<string, new (detail: ErrorDetail) => MillraceError> = new Map(
  Object.entries({
    OPTION: OptionError,
    MANIFEST: ManifestError,
    SCHEMA: SchemaError,
    CORRUPT_SHARD: CorruptShardError,
    UNSUPPORTED: UnsupportedError,
    SOURCE: SourceError,
    IMAGE: ImageError,
    SAMPLE: SampleError,
    FILE: FileError,
    WORKER: WorkerError,
    STATE: StateError,
    CLOSED: ClosedError,
    BACKEND: BackendError,
  }),
);

/** True for an error of millrace; with `code`, for one of that class. */
export function isMillraceError(error: unknown, code?: ErrorCode): error is MillraceError {
  return error instanceof MillraceError && (code === undefined || error.code === code);
}

/** An error as plain data, which survives a thread boundary; a posted `Error` loses its class, code and fields. */
export interface ErrorData {
  /** A {@link ErrorCode}, or `null` for an error that is not of millrace. */
  readonly code: ErrorCode | null;
  readonly detail: ErrorDetail;
  readonly stack: string | undefined;
}

/** Turns any thrown value into plain data for the other side of a thread boundary. */
export function errorToData(error: unknown): ErrorData {
  const stack = error instanceof Error ? error.stack : undefined;
  if (!isMillraceError(error))
    return { code: null, detail: { problem: error instanceof Error ? error.message : String(error) }, stack };
  const { cause, ...detail } = error.detail;
  return {
    code: error.code,
    detail:
      cause === undefined
        ? detail
        : { ...detail, cause: cause instanceof Error ? cause.message : JSON.stringify(cause) },
    stack,
  };
}

/** Rebuilds the error that {@link errorToData} took apart, with the stack of the thread that threw it. */
export function errorFromData(data: ErrorData): Error {
  const Class = data.code === null ? undefined : CLASSES.get(data.code);
  const error = Class === undefined ? new Error(data.detail.problem) : new Class(data.detail);
  if (data.stack !== undefined) error.stack = data.stack;
  return error;
}

/** Wraps a failed call of `node:fs` into a {@link FileError} that says what the system's code means. */
export function fileError(file: string, action: string, cause: unknown, bytesNeeded?: number): FileError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const known: Record<string, [problem: string, fix: string]> = {
    ENOENT: ["no such file or folder", "check the path"],
    EACCES: ["permission denied", "check the rights of the file and of its folder"],
    EPERM: ["operation not permitted", "check the rights of the file and of its folder"],
    EROFS: ["the file system is read-only", "choose another folder"],
    EISDIR: ["is a folder, not a file", "name a file"],
    ENOTDIR: ["a part of the path is not a folder", "check the path"],
    ENOSPC: ["the disk is full", bytesNeeded === undefined ? "free some space" : `free at least ${bytesNeeded} bytes`],
    EDQUOT: [
      "the disk quota is used up",
      bytesNeeded === undefined ? "free some space" : `free at least ${bytesNeeded} bytes`,
    ],
    EMFILE: ["too many open files", "raise the limit (ulimit -n)"],
  };
  const [problem, fix] = known[code ?? ""] ?? [cause instanceof Error ? cause.message : String(cause), undefined];
  return new FileError({ file, problem: `cannot ${action}: ${problem}`, fix, cause });
}
