/** What a loader that tunes itself may take. */
export interface AutotuneBudget {
  /**
   * Bytes for batches in the making and for workers, which count 64 MiB each. Default: half of the free memory, of which
   * batches take at most 1 GiB.
   */
  readonly maxMemoryBytes?: number | undefined;
  /** CPUs for workers and consumer together, of which the consumer has one; default all that the process may use. */
  readonly maxCpus?: number | undefined;
  /**
   * Seconds to measure before the loader is open, at most; default 2. It is less where samples take a steady time sooner:
   * with two cores about 0.6 s for pixels in memory, 1.3 s for photographs in memory, 1.9 s where storage makes them wait.
   */
  readonly seconds?: number | undefined;
}
