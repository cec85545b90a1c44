import { createDecoder } from "@millrace/image";
import { OptionError, UnsupportedError } from "@millrace/formats";
import { createLoader } from "./create-loader.js";
import { planFields } from "./fields.js";
import { readLabels } from "./labels.js";
import { checkParts, openLoaderData, type DatasetPart, type LoaderData } from "./loader-data.js";
import type { Loader } from "./loader.js";
import { resolveOptions, type LoaderOptions, type ResolvedOptions } from "./options.js";
import { bindOrder, needsLabels } from "./order/bind-order.js";
import { bindMix } from "./order/mix.js";
import type { BoundOrder, Order } from "./order/order.js";
import { partOrder } from "./order/part-order.js";
import { planRank } from "./order/rank.js";
import { shuffle } from "./order/shuffle.js";
import { checkState } from "./state.js";
import { describeRoutes } from "./storage-routes.js";
import { describeFiles, type StoredFiles } from "./stored-files.js";
import { measureTexts } from "./text-bytes.js";
import { tuneLoader } from "./tuning/tune-loader.js";

/**
 * Opens a dataset folder or a single shard for loading, or several as one. Threads start with the first batch.
 * @param path - Several data sets must have the same fields and classes; with a `weight` for each they are mixed in
 * these proportions, each in an order of its own, and an epoch is as many samples as they have together.
 * @throws {@link OptionError} for impossible options, {@link StateError} for a state that does not fit,
 * {@link ManifestError} or {@link FileError} if there is no dataset; {@link UnsupportedError} for more than 2^32 samples,
 * a decoder that cannot be had, or too little memory; the signal's reason when it aborts.
 */
export async function openLoader(path: string | readonly DatasetPart[], options: LoaderOptions = {}): Promise<Loader> {
  const resolved = resolveOptions(options);
  const parts = checkParts(path);
  resolved.signal?.throwIfAborted();
  return await planLoader(await openLoaderData(parts, resolved.split), resolved);
}

/**
 * Plans a loader of open data.
 * @param maxMemoryBytes - Bytes of the largest memory there can be; default 4 GiB.
 */
export async function planLoader(data: LoaderData, options: ResolvedOptions, maxMemoryBytes?: number): Promise<Loader> {
  const { schema, statistics, fingerprint, split, shards } = data;
  if (data.length >= 2 ** 32) throw new UnsupportedError({ problem: `the split ${split} has more than 2^32 samples` });
  const state =
    options.state === undefined ? undefined : checkState(options.state, { fingerprint, split }, options.order);
  const order = options.order ?? state?.order ?? shuffle();
  const bound = await bindData(order, data);
  checkBatch(bound.length, options);
  const fields = planFields({
    schema,
    names: options.fields,
    transforms: options.transforms,
    layout: options.layout,
    statistics,
    textBytes: await measureTexts(shards, schema.fields, options.fields),
  });
  const routes = await describeRoutes(
    shards,
    fields.map(({ field }) => field),
  );
  // Nobody listens to the signal until there is a loader, so an abort since the beginning would be lost.
  options.signal?.throwIfAborted();
  const isEncoded = fields.some((plan) => plan.route === "image" && plan.field.kind === "bytes");
  const decoder = isEncoded ? createDecoder({ decoder: options.decoder }) : undefined;
  let known: StoredFiles | undefined;
  const files = (): StoredFiles => (known ??= describeFiles(shards, fields, routes));
  const base = { data, order, bound, fields, routes, decoder, files, maxMemoryBytes };
  return createLoader(base, await tuneLoader(base, options, state), state);
}

/** An epoch without batches is no way to train. */
function checkBatch(length: number, { batchSize, dropLast, rank, worldSize }: ResolvedOptions): void {
  const { samples } = planRank({ length, start: 0, skipped: 0, rank, worldSize, dropLast });
  if (!dropLast || samples >= batchSize) return;
  throw new OptionError({
    option: "batchSize",
    problem: "is larger than what a rank has in an epoch, and dropLast leaves out short batches",
    expected: `at most ${samples}`,
    found: String(batchSize),
    fix: "lower batchSize or worldSize, or leave dropLast off",
  });
}

/** The order over all samples, or the mix of its parts. */
async function bindData(order: Order, data: LoaderData): Promise<BoundOrder> {
  const { parts, length, classes, shards, schema } = data;
  const labels = needsLabels(order) ? await readLabels(shards, schema) : undefined;
  if (parts === undefined) return bindOrder(order, length, { labels, classes });
  const mixed = parts.map((part, number) => {
    const { start, weight } = part;
    const own = partOrder(order, number, part, length);
    const source = { labels: labels?.subarray(start, start + part.length), classes };
    return { order: bindOrder(own, part.length, source), start, weight };
  });
  return bindMix(mixed, length, order.seed);
}
