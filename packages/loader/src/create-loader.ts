import type { Decoder } from "@millrace/image";
import type { FieldPlan } from "./fields.js";
import { LiveLoader } from "./live-loader.js";
import type { LoaderData } from "./loader-data.js";
import type { Loader } from "./loader.js";
import type { ResolvedOptions } from "./options.js";
import type { BoundOrder, Order } from "./order/order.js";
import { saveOrder } from "./order/saved-order.js";
import { planRing } from "./ring-plan.js";
import { CheckedBits } from "./ring/checked-bits.js";
import { createRingMemories } from "./ring/shared-memory.js";
import { TokenBucket } from "./ring/token-bucket.js";
import type { LoaderState } from "./state.js";
import { prepareReadAhead } from "./storage/read-ahead-plan.js";
import type { StorageRoute } from "./storage-routes.js";
import type { StoredFiles } from "./stored-files.js";
import { resolveVariant, type LoaderVariant } from "./variant.js";
import { packShards } from "./worker/packed-shards.js";
import type { PipelineSetup } from "./worker/protocol.js";

/** What was found out about data, order and fields: the same for a loader and its variants. Nobody changes it. */
export interface LoaderBase {
  readonly data: LoaderData;
  readonly order: Order;
  readonly bound: BoundOrder;
  readonly fields: readonly FieldPlan[];
  readonly routes: ReadonlyMap<string, StorageRoute>;
  /** Who decodes; `undefined` where no image is encoded. */
  readonly decoder: Decoder | undefined;
  readonly files: () => StoredFiles;
  /** Bytes of the largest memory there can be; `undefined`: 4 GiB. */
  readonly maxMemoryBytes: number | undefined;
}

/** Files that all workers together keep open: half of what systems usually allow a process. */
const OPEN_FILES = 512;

/**
 * Makes a loader: memory and plans of its own.
 * @throws {@link OptionError} if a batch does not fit into a memory; {@link UnsupportedError} if the system has not so much.
 */
export function createLoader(base: LoaderBase, options: ResolvedOptions, state: LoaderState | undefined): Loader {
  const { data, order, bound, fields, routes, decoder, files, maxMemoryBytes } = base;
  const { fingerprint, root, statistics, parts, schema, shards } = data;
  const plan = planRing({ ...options, fields, decoder: decoder?.name, maxMemoryBytes });
  const setup: PipelineSetup = {
    shards: packShards(shards),
    fields,
    layout: plan.layout,
    memories: createRingMemories(plan.layout),
    seed: order.seed,
    decoder: options.stages === "fetch" ? undefined : decoder?.name,
    checksums: data.hasChecksums ? options.checksums : "off",
    checked: CheckedBits.allocate(data.length).buffer,
    runLength: plan.runLength,
    inject: options.inject,
    bucket: TokenBucket.allocate(),
    stages: options.stages,
    isCold: options.isCold,
    maxOpenFiles: Math.max(16, Math.floor(OPEN_FILES / Math.max(1, options.numWorkers))),
  };
  const leftOut = schema.fields.map((field) => field.name).filter((name) => !fields.some((f) => f.field.name === name));
  const made = {
    options,
    order: saveOrder(order),
    bound,
    parts,
    fields,
    routes,
    leftOut,
    plan,
    decoder,
    setup,
    shards,
    samples: data.length,
    ahead: prepareReadAhead(shards, { ...options, order: order.kind }),
    fingerprint,
    root,
    statistics,
    files,
    vary: (change: LoaderVariant) => createLoader(base, resolveVariant(options, change), undefined),
  };
  return new LiveLoader(made, state);
}
