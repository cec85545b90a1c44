import { resolve } from "node:path";
import { OptionError, type Schema } from "@millrace/formats";
import { digestOf, type JournalIdentity } from "./journal.js";
import type { ResolvedOptions } from "./options.js";
import { planShards, type Plan } from "./plan.js";
import type { ShardTask } from "./shard-task.js";
import { detectSourceKind, openSource } from "./sources/open-source.js";
import type { Listing, Source } from "./sources/source.js";
import { schemaOf, surveyImages } from "./survey.js";
import { TOOL } from "./version.js";

/** Everything that is known of a conversion before the first shard is written. */
export interface Conversion {
  readonly source: Source;
  readonly listing: Listing;
  readonly plan: Plan;
  readonly schema: Schema;
  /** One a shard, in the order of the plan. */
  readonly tasks: readonly ShardTask[];
  /** The options that shape the result, as the manifest keeps them. */
  readonly shaping: Readonly<Record<string, string | number | null>>;
  readonly identity: JournalIdentity;
}

/** Images in flight in each thread. Decoding runs in the process's own pool of threads, so a few keep it busy. */
const IN_FLIGHT = 4;

/**
 * Lists the source and plans the shards. Reads the names of all raw samples, and the headers only where the schema
 * depends on them; writes nothing.
 * @throws SourceError or OptionError with the way out.
 */
export async function planConversion(options: ResolvedOptions): Promise<Conversion> {
  const { format, mode, size, compression, samplesPerShard, valFraction, seed, signal } = options;
  const kind = options.sourceKind ?? (await detectSourceKind(options.source));
  const source = await openSource({ kind, root: options.source });
  const listing = await source.list(signal);
  const plan = planShards(listing, { seed, samplesPerShard, valFraction });
  const prepare = await surveyImages(source, listing, options);
  const schema = schemaOf(prepare);
  if (compression !== undefined) checkPacked(schema);
  const shaping = { mode, size: size ?? null, compression: compression ?? null, samplesPerShard, valFraction, seed };
  const shards = plan.splits.flatMap((split) => split.shards);
  const tasks = shards.map((shard): ShardTask => ({
    out: resolve(options.out),
    source: { kind, root: source.root },
    shard,
    format,
    compression,
    schema,
    classes: listing.classes,
    prepare,
    onReject: options.onReject,
    inFlight: IN_FLIGHT,
  }));
  const splits = plan.splits.map((split) => ({ name: split.name, shards: split.shards.length }));
  const named = { tool: TOOL, format, sourceKind: kind, ...shaping };
  const digest = digestOf([named, schema, listing.classes, ...shards]);
  return { source, listing, plan, schema, tasks, shaping, identity: { digest, options: named, splits } };
}

/** Refuses a compression of images that differ in size: only tensors are deflated. */
function checkPacked(schema: Schema): void {
  const image = schema.fields.find(({ name }) => name === "image");
  if (image?.kind === "tensor") return;
  throw new OptionError({
    option: "compression",
    field: "image",
    problem: "has no meaning for images of several sizes, which are not deflated",
    fix: "give a size, or leave compression out",
  });
}
