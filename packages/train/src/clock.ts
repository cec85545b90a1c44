/** Tells the time; the `Clock` of the loader fits. Injected, so that tests can run it themselves. */
export interface Clock {
  /** Milliseconds, with fractions, since some fixed moment; never goes back. */
  now(): number;
}

/** The clock of the process, with a resolution below a microsecond. */
export const systemClock: Clock = { now: () => performance.now() };
