import { resolve } from "node:path";
import type { Manifest, WorkerError } from "@millrace/formats";
import { planConversion } from "./conversion.js";
import { ConversionRun, type StoppableOptions } from "./conversion-run.js";
import { lockFolder } from "./folder-lock.js";
import { Journal } from "./journal.js";
import { leaveWhenAborted } from "./leave-when-aborted.js";
import type { NotSeekable } from "./not-seekable.js";
import { resolveOptions, type ConvertOptions } from "./options.js";
import {
  checkOutside,
  checkOutState,
  makeOut,
  removeIfEmpty,
  removeRemains,
  hasRemains,
  stateOfOut,
} from "./out-folder.js";
import type { Reject } from "./rejects.js";
import type { IgnoredFiles } from "./sources/source.js";

/** What a conversion made. Plain data. */
export interface ConvertReport {
  /** Absolute path of the dataset. */
  readonly out: string;
  /** The content of its `dataset.json`. */
  readonly manifest: Manifest;
  /** Samples written. */
  readonly samples: number;
  /** Bytes of all shards and their sidecars. */
  readonly bytes: number;
  /** Raw samples left out, in the order of the plan: the content of `rejects.jsonl`. */
  readonly rejects: readonly Reject[];
  /** In mode `seekable`: how many samples keep the bytes of their source, by reason; else empty. */
  readonly notSeekable: readonly NotSeekable[];
  /** Files of the source that were not taken for raw samples. */
  readonly ignored: readonly IgnoredFiles[];
  /** Shards that an earlier, interrupted run had finished. */
  readonly resumedShards: number;
}

/**
 * Converts raw images into a dataset of shards with fields `image`, `label` and `key`. What comes out is a pure function
 * of the raw images and the options that shape it; not of the number of threads, of the machine, or of interruptions.
 * After a kill or an abort the same call goes on where it stopped. A conversion that hangs in the system is left behind
 * 12 seconds after an abort; it keeps the lock of the folder until it returns or its process ends.
 * @throws OptionError for an impossible option or an `out` that is taken; SourceError if there is nothing to convert or
 * too many images were rejected; ImageError under `onReject: "fail"`; FileError if the system refuses; WorkerError if
 * threads die or hang; the reason of `signal`.
 */
export async function convert(options: ConvertOptions): Promise<ConvertReport> {
  const resolved = resolveOptions(options);
  resolved.signal?.throwIfAborted();
  const stop = new AbortController();
  const signal = resolved.signal === undefined ? stop.signal : AbortSignal.any([resolved.signal, stop.signal]);
  return await leaveWhenAborted(
    convertUntil({ ...resolved, signal }, (error) => stop.abort(error)),
    signal,
  );
}

/** The conversion itself, until `options.signal` is aborted: by the caller, or by `stop` in a stall. */
async function convertUntil(options: StoppableOptions, stop: (error: WorkerError) => void): Promise<ConvertReport> {
  const { overwrite } = options;
  const out = resolve(options.out);
  const before = await stateOfOut(out);
  if (before === "dataset" && !overwrite) await tidy(out);
  await checkOutState(out, before, overwrite);
  const conversion = await planConversion(options);
  await checkOutside(conversion.source.root, out);
  await makeOut(out);
  const lock = await lockFolder(out);
  try {
    await checkOutState(out, await stateOfOut(out), overwrite);
    await removeRemains(out, conversion.plan.splits);
    const journal = await Journal.open(out, conversion.identity, overwrite);
    const run = new ConversionRun(out, options, conversion, journal, stop);
    await run.writeShards();
    await lock.check();
    return await run.commit();
  } finally {
    await lock.release();
    if (before === "missing") await removeIfEmpty(out);
  }
}

/** A kill after the very last step but one leaves a finished dataset and its lock, which is not part of it. */
async function tidy(out: string): Promise<void> {
  if (!(await hasRemains(out))) return;
  const lock = await lockFolder(out);
  try {
    await removeRemains(out, []);
  } finally {
    await lock.release();
  }
}
