import { createLoader, type LoaderBase } from "../create-loader.js";
import type { ResolvedOptions } from "../options.js";
import type { LoaderState } from "../state.js";
import { autotune } from "./autotune.js";

/**
 * The options with workers and depth as {@link autotune} chooses them, where that is asked for. Trials do not check what
 * is checked once only, as most epochs do not, and what they read ahead is what their samples need.
 * @throws {@link OptionError} if the budget is too small; the signal's reason.
 */
export async function tuneLoader(
  base: LoaderBase,
  options: ResolvedOptions,
  state: LoaderState | undefined,
): Promise<ResolvedOptions> {
  const { autotune: budget, batchSize, prefetchDepth, clock, signal, checksums } = options;
  if (budget === undefined) return options;
  const trial = { ...options, checksums: checksums === "first" ? ("off" as const) : checksums, readAhead: false };
  const { bytes, samples } = base.files();
  const tuned = await autotune({
    budget,
    batchSize,
    batchBytes: batchSize * base.fields.reduce((sum, field) => sum + field.cellBytes, 0),
    bytesPerSample: bytes / Math.max(1, samples),
    numWorkers: options.cpus === undefined ? options.numWorkers : undefined,
    prefetchDepth,
    clock,
    signal,
    open: (setting) => createLoader(base, { ...trial, ...setting }, setting.state ?? state),
  });
  const { numWorkers, text } = tuned;
  return { ...options, numWorkers, cpus: undefined, prefetchDepth: tuned.prefetchDepth, tuned: text };
}
