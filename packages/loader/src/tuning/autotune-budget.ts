/** What a loader that tunes itself may take. */
export interface AutotuneBudget {
  /**
   * Bytes for batches in the making and for workers, which count 64 MiB each. Default: half of the free memory, of which
   * batches take at most 1 GiB.
   */
  readonly maxMemoryBytes?: number | undefined;
  /** CPUs for workers and consumer together, of which the consumer has one; default all that the process may use. */
  readonly maxCpus?: number | undefined;
  /** How long to measure before the loader is open; default 1. */
  readonly seconds?: number | undefined;
}
