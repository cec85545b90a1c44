import { openDataset, OptionError, UnsupportedError, type Dataset } from "@millrace/formats";
import { planFields } from "./fields.js";
import { LiveLoader, type Loader } from "./loader.js";
import { resolveOptions, type LoaderOptions, type ResolvedOptions } from "./options.js";
import { shuffle } from "./order/shuffle.js";
import { planRing } from "./ring-plan.js";
import { CheckedBits } from "./ring/checked-bits.js";
import { createSharedMemory } from "./ring/shared-memory.js";
import { checkState, identityOf } from "./state.js";
import { measureTexts } from "./text-bytes.js";
import type { PipelineSetup } from "./worker/protocol.js";

/**
 * Opens a dataset folder or a single shard for loading. Threads start with the first batch.
 * @throws {@link OptionError} for impossible options, {@link StateError} for a state that does not fit,
 * {@link ManifestError} or {@link FileError} if there is no dataset; the signal's reason when it aborts.
 */
export async function openLoader(path: string, options: LoaderOptions = {}): Promise<Loader> {
  const resolved = resolveOptions(options);
  resolved.signal?.throwIfAborted();
  const dataset = await openDataset(path, { checksums: "off" });
  try {
    return await planLoader(dataset, resolved);
  } finally {
    dataset.close();
  }
}

/** Files that all workers together keep open: half of what systems usually allow a process. */
const OPEN_FILES = 512;

async function planLoader(dataset: Dataset, options: ResolvedOptions): Promise<Loader> {
  const split = dataset.split(options.split);
  if (split.length === 0)
    throw new OptionError({ option: "split", problem: "the split has no samples", found: split.name });
  if (split.length >= 2 ** 32)
    throw new UnsupportedError({ problem: `the split ${split.name} has more than 2^32 samples` });
  const fingerprint = identityOf(dataset);
  const state =
    options.state === undefined
      ? undefined
      : checkState(options.state, { fingerprint, split: split.name }, options.order);
  const order = options.order ?? state?.order ?? shuffle();
  const { schema } = dataset;
  const statistics = dataset.manifest?.statistics ?? undefined;
  const fields = planFields({
    schema,
    names: options.fields,
    transforms: options.transforms,
    statistics,
    textBytes: await measureTexts(split.shards, schema.fields, options.fields),
  });
  // Nobody listens to the signal until there is a loader, so an abort since the beginning would be lost.
  options.signal?.throwIfAborted();
  const plan = planRing({ ...options, fields });
  const setup: PipelineSetup = {
    shards: split.shards,
    fields,
    layout: plan.layout,
    memory: createSharedMemory(plan.layout.byteLength),
    seed: order.seed,
    checksums: dataset.manifest === undefined ? "off" : options.checksums,
    checked: CheckedBits.allocate(split.length).buffer,
    runLength: plan.runLength,
    inject: options.inject,
    maxOpenFiles: Math.max(16, Math.floor(OPEN_FILES / Math.max(1, options.numWorkers))),
  };
  const leftOut = schema.fields.map((field) => field.name).filter((name) => !fields.some((f) => f.field.name === name));
  const { root } = dataset;
  return new LiveLoader({ options, order, fields, leftOut, plan, setup, fingerprint, root, statistics }, state);
}
