import { cpuBudget } from "@millrace/image";
import type { LoaderParts } from "./loader-parts.js";
import type { StoredAs } from "./tuning/measured-factors.js";

/** What a loader is, in numbers; plain data. */
export interface LoaderFacts {
  readonly batchSize: number;
  readonly numWorkers: number;
  /** Batches ready or in the making; 0 without workers. */
  readonly prefetchDepth: number;
  /** CPUs that this process may use. */
  readonly cpus: number;
  /** Bytes of a whole batch, as it stands in memory. */
  readonly batchBytes: number;
  /** Bytes of the memory that all batches in the making take. */
  readonly ringBytes: number;
  /** Bytes of the shards over their samples. */
  readonly storedBytesPerSample: number;
  /** Bytes of all shards of the split. */
  readonly datasetBytes?: number | undefined;
  /**
   * Whether the option `readAhead`, which is off, would have all shards read into memory, by what was known and free when
   * the loader was opened. Not where storage is injected: that would stay.
   */
  readonly canReadAhead?: boolean | undefined;
  /** How the images lie in the shards; `undefined` if that is none of these ways, or differs, or there are no images. */
  readonly storedAs?: StoredAs | undefined;
  /**
   * How a variant with `storage: "cold"` reads: `direct`: past this machine's page cache, all that is loaded;
   * `buffered`: not all of it, so that what it reads may have lain in memory.
   */
  readonly coldReads: "direct" | "buffered";
  /** Why cold reads are not direct, as a clause; empty where they are. */
  readonly coldReadsReason: string;
}

/** The facts of an open loader. */
export function loaderFacts(parts: LoaderParts): LoaderFacts {
  const { options, fields, plan, files, ahead } = parts;
  const { bytes, samples, coldProblem } = files();
  const { fetchMs, bytesPerSec } = options.inject;
  const isInjected = fetchMs > 0 || bytesPerSec !== undefined;
  return {
    batchSize: options.batchSize,
    numWorkers: options.numWorkers,
    prefetchDepth: plan.prefetchDepth,
    cpus: cpuBudget(),
    batchBytes: options.batchSize * fields.reduce((sum, field) => sum + field.cellBytes, 0),
    ringBytes: plan.layout.byteLength,
    storedBytesPerSample: bytes / samples,
    datasetBytes: bytes,
    canReadAhead: ahead.plan.isPossible && !ahead.plan.isOn && !isInjected,
    storedAs: storedAs(parts),
    coldReads: coldProblem === "" ? "direct" : "buffered",
    coldReadsReason: coldProblem,
  };
}

function storedAs({ fields, routes }: Pick<LoaderParts, "fields" | "routes">): StoredAs | undefined {
  const images = fields.filter(
    ({ field, route }) => route === "image" || (field.kind === "tensor" && field.shape.length === 3),
  );
  const kinds = new Set(
    images.map(({ field }) => {
      if (field.kind !== "bytes") return "raw";
      if (field.encoding !== "jpeg") return undefined;
      return routes.get(field.name)?.isSeekable === true ? "seekable" : "jpeg";
    }),
  );
  return kinds.size === 1 ? [...kinds][0] : undefined;
}
