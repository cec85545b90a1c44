/** Throughput that was measured with a number of workers, the data in memory and nobody but them at work. */
export interface ScalingPoint {
  readonly numWorkers: number;
  readonly samplesPerSec: number;
}

/**
 * What one needs to know of a pipeline to say how fast it would be if it were another: costs of a sample in storage, in
 * a worker and on the device, and what is there to pay them with. Plain data; {@link predict} works on it.
 */
export interface PipelineModel {
  /** Samples of a batch. */
  readonly batchSize: number;
  /** Threads that make batches; 0: the thread of the step makes them itself. */
  readonly numWorkers: number;
  /** Batches ready or in the making beside the one that the step has. */
  readonly prefetchDepth: number;
  /** CPUs that the process may use. */
  readonly cores: number;
  /** CPU time, in ms, that a worker needs for a sample that lies in memory: reading, decoding, transforming, placing. */
  readonly prepCpuMs: number;
  /**
   * Time, in ms, that a worker is blocked for a sample that storage gives, without using a core, beside what
   * `storageBytesPerSec` costs.
   */
  readonly fetchLatencyMs: number;
  /** Most that storage gives to all workers together; `undefined` where no limit was met. */
  readonly storageBytesPerSec: number | undefined;
  /** Bytes that are read from storage for a sample. */
  readonly bytesPerSample: number;
  /** Share of the samples that need no storage, 0 to 1. */
  readonly cacheFraction: number;
  /** Time, in ms, of the step for one batch, the copy to the device included. */
  readonly computeMs: number;
  /** CPU time, in ms, that the step needs of the host for one batch. It is taken from `cores`. */
  readonly computeCpuMs: number;
  /** Part of `computeMs` that does not depend on the batch's size, such as starting kernels; 0 if it is not known. */
  readonly computeFixedMs?: number | undefined;
  /** Measured throughput by number of workers, with these `cores`; takes the place of `prepCpuMs` where there is any. */
  readonly scaling: readonly ScalingPoint[];
  /** Bytes of a batch in shared memory. */
  readonly batchBytes: number;
}

/** What limits a pipeline: storage, the work of the workers, or the step. */
export type Bound = "fetch" | "prep" | "compute";

/** What {@link predict} says. Rates are samples per second; `Infinity` where nothing limits them. */
export interface Prediction {
  /** Of the whole: what is delivered and consumed. */
  readonly samplesPerSec: number;
  /** Of the loader while the step runs and takes its share of the cores, if the step did not make it wait. */
  readonly inputPerSec: number;
  /** F: of fetching alone. */
  readonly fetchPerSec: number;
  /** P: of the workers alone, the data in memory. */
  readonly prepPerSec: number;
  /** G: of the step alone. */
  readonly computePerSec: number;
  /** The part that limits the whole. Where workers fetch and prepare in turn, the one of the two that takes longer. */
  readonly bound: Bound;
  /** Cores that are busy on average. */
  readonly cores: { readonly prep: number; readonly compute: number };
}
