import type { Statistics } from "@millrace/formats";
import type { Batch } from "./batch.js";
import type { SkippedSample } from "./epoch-run.js";
import type { LoaderFacts } from "./facts.js";
import type { LoaderState } from "./state.js";
import type { LoaderStats } from "./stats.js";
import type { LoaderVariant } from "./variant.js";

/**
 * Batches of one split of a dataset. `for await (const batch of loader)` runs from the loader's state to the end of the
 * epoch; the next loop is the next epoch. One loop at a time: a new one ends the one before. Leaving a loop early, by
 * `break` or an error, ends the worker threads; the next loop starts them again and goes on after the last batch that
 * was received.
 */
export interface Loader extends AsyncIterable<Batch>, AsyncDisposable {
  /** Batches of a whole epoch of this rank. */
  readonly length: number;
  /** Samples of the split, of all ranks. An order may visit fewer in an epoch, or some of them more than once. */
  readonly samples: number;
  /** Mean and standard deviation of an image field, from the dataset's manifest; `undefined` where it has none. */
  readonly statistics: Statistics | undefined;
  /** The last thousand samples that were left out as bad; `stats().skippedSamples` counts them all. */
  readonly skipped: readonly SkippedSample[];
  /**
   * The batches of an epoch, counted from 0. If it is the epoch of the loader's state, they go on where it stands, so
   * that a training loop over epochs resumes; else they begin at its beginning.
   * @throws {@link OptionError} if it is not an integer from 0 to 2^32 - 1.
   */
  epoch(epoch: number): AsyncIterable<Batch>;
  /** Where the run stands: what the consumer has received so far. */
  state(): LoaderState;
  /** What has been done so far, and where the time went. */
  stats(): LoaderStats;
  /** What the loader will do and why, in a few lines. */
  describe(): string;
  /** What the loader is, in numbers. */
  facts(): LoaderFacts;
  /**
   * A loader of its own that does one thing another way: to measure what that changes. It has the same data, order, seed
   * and transforms, begins at the beginning of epoch 0, and shares no thread, memory or file with this one. Opening it
   * is cheap, as what was planned for this one is planned. Its user closes it; `signal` ends both.
   * @throws {@link OptionError} for an impossible change, {@link ClosedError} if the loader is closed.
   */
  variant(change: LoaderVariant): Promise<Loader>;
  /** Ends all threads. A pending request for a batch fails with {@link ClosedError}. Idempotent. */
  close(): Promise<void>;
}
