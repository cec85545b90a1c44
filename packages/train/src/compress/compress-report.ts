import type { Interval } from "../profile/verdict.js";
import type { Fact, Warning } from "../report/report.js";
import type { InputLink } from "./input-link.js";

/** Version of the reports of compression that this version writes and reads. */
export const COMPRESS_REPORT_VERSION = 1;

/** How right a model is on the validation split. */
export interface AccuracyReport {
  /** Share of the samples that are classified right, 0..1. */
  readonly value: number;
  /** Of 95 %, by Wilson. */
  readonly interval: Interval;
  readonly samples: number;
}

/** What a model takes on disk, in bytes. */
export interface BytesReport {
  /** The files of TensorFlow.js: `model.json` and float32 weights. */
  readonly float32: number;
  /** The same files by gzip. */
  readonly gzip: number;
  /** `model.packed`. */
  readonly packed: number;
}

/** How long a forward pass takes, the outputs read back. */
export interface LatencyReport {
  readonly batchSize: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Passes that were measured. */
  readonly passes: number;
}

/** How fast a model is here, measured in turns with the others of the report. */
export interface SpeedReport {
  /** From the bytes of its file in memory to a model whose weights are on the device, in ms; the median. */
  readonly loadMs: number;
  readonly latency: readonly LatencyReport[];
  /** The most that tensors take in a forward pass of the largest batch, weights included. */
  readonly peakMemoryBytes: number;
}

/** A model as it was measured. */
export interface ModelReport {
  readonly accuracy: AccuracyReport;
  readonly parameters: number;
  /** Parameters that are not zero. */
  readonly nonZero: number;
  /** Multiplications with an addition for one sample, zeros counted as any other weight. */
  readonly macs: number;
  readonly bytes: BytesReport;
  /** Of the models before and after, and of some on the front; of an exhaustive search, of all within the loss. */
  readonly speed?: SpeedReport | undefined;
}

/** What is done to a model. */
export interface CompressSetting {
  /** Share of the filters of each group of layers that stay, above 0 to 1. */
  readonly filterShare: number;
  /** Share of the weights that become zero, 0 to less than 1. */
  readonly sparsity: number;
  /** Bits of a weight: 32 float32, 16 float16, 8 int8 by channel, fewer a codebook. */
  readonly bits: number;
}

/** One setting that was tried, or not. */
export interface CandidateReport {
  readonly setting: CompressSetting;
  /** `skipped`: a gentler one has lost too much already. */
  readonly outcome: "within" | "lost" | "skipped";
  /** One clause: what decided. */
  readonly reason: string;
  /** Absent if it was skipped. */
  readonly model?: ModelReport | undefined;
  /** Accuracy lost, as a share of all samples; below 0 if it is better than before. Absent if it was skipped. */
  readonly accuracyDrop?: number | undefined;
  /** Of 95 %, by Newcombe; absent if it was skipped. */
  readonly dropInterval?: Interval | undefined;
  /** True if no other candidate is both smaller as a packed file and at least as right. */
  readonly isOnFront: boolean;
}

/** Where the bottleneck goes, predicted and measured. */
export interface LinkReport extends InputLink {
  /** Throughput of a run with the smaller model at the present setting; `undefined` if it was not measured. */
  readonly measuredPerSec?: number | undefined;
}

/** What {@link compressModel} found. */
export interface CompressReport {
  readonly reportVersion: typeof COMPRESS_REPORT_VERSION;
  readonly kind: "compress";
  /** What the caller said about the run. */
  readonly facts: readonly Fact[];
  /** The loss of accuracy that was allowed, as a share of all samples. */
  readonly maxAccuracyDrop: number;
  readonly before: ModelReport;
  /** The smallest candidate within the allowed loss; absent if there is none. */
  readonly chosen?: CompressSetting | undefined;
  /** That candidate's model. */
  readonly after?: ModelReport | undefined;
  /** All settings, in the order in which they came. */
  readonly candidates: readonly CandidateReport[];
  readonly link?: LinkReport | undefined;
  /** What limits the figures, and what became slower. */
  readonly warnings: readonly Warning[];
  readonly wallMs: number;
}
