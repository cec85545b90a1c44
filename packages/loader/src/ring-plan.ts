import type { FieldPlan } from "./fields.js";
import type { DecoderName } from "@millrace/image";
import { planLayout, type RingLayout } from "./ring/layout.js";
import { defaultPrefetchDepth } from "./tuning/workers-change.js";

/** How the work is cut up: the memory, and how many samples a worker takes at a time. */
export interface RingPlan {
  readonly layout: RingLayout;
  readonly prefetchDepth: number;
  readonly runLength: number;
}

/** What {@link planRing} needs to know. */
export interface RingPlanOptions {
  readonly fields: readonly FieldPlan[];
  readonly batchSize: number;
  readonly numWorkers: number;
  /** `undefined`: to be chosen. */
  readonly prefetchDepth: number | undefined;
  /** Who decodes; `undefined` where no image is encoded. */
  readonly decoder?: DecoderName | undefined;
  /** Bytes of the largest memory there can be; default 4 GiB. */
  readonly maxMemoryBytes?: number | undefined;
}

/** A depth that nobody asked for is lowered until the ring fits into this, but not below 2. */
export const COMFORTABLE_BYTES: number = 2 ** 30;
/** Images that a worker has decoded at a time. */
const DECODES_IN_FLIGHT = 4;
/** Most samples claimed at a time: enough for the atomics to cost nothing, few enough to share a batch evenly. */
const MAX_RUN = 16;

/**
 * Chooses depth and run length, and lays out the ring: a pure function. Without workers there is one slot, which is made
 * when it is asked for.
 * @throws {@link OptionError} if a batch does not fit into 4 GiB.
 */
export function planRing(options: RingPlanOptions): RingPlan {
  const { fields, batchSize, numWorkers, maxMemoryBytes } = options;
  const cellBytes = fields.map((field) => field.cellBytes);
  const batchBytes = batchSize * cellBytes.reduce((sum, bytes) => sum + bytes, 0);
  const isEncoded = fields.some((plan) => plan.route === "image" && plan.field.kind === "bytes");
  const runLength = Math.min(
    isEncoded ? DECODES_IN_FLIGHT : MAX_RUN,
    Math.max(1, Math.ceil(batchSize / (4 * Math.max(1, numWorkers)))),
  );
  let prefetchDepth = options.prefetchDepth ?? defaultPrefetchDepth(numWorkers);
  if (options.prefetchDepth === undefined)
    while (prefetchDepth > 2 && (prefetchDepth + 1) * batchBytes > COMFORTABLE_BYTES) prefetchDepth--;
  if (numWorkers === 0) prefetchDepth = 0;
  const layout = planLayout({ numWorkers, numSlots: prefetchDepth + 1, batchSize, cellBytes, maxMemoryBytes });
  return { layout, prefetchDepth, runLength };
}
