import { inOrder } from "./in-flight.js";
import { digestOf } from "./journal.js";
import type { PlannedShard } from "./plan.js";
import type { Source } from "./sources/source.js";

/** Items that are looked at at a time. */
const IN_FLIGHT = 16;

/**
 * A text that changes when a raw sample of the shard does: SHA-256 of the keys and of {@link Source.stamp} of each. It
 * is kept in the journal only, for it depends on the copy of the source.
 */
export async function stampOfShard(
  source: Source,
  shard: PlannedShard,
  signal: AbortSignal | undefined,
): Promise<string> {
  const stamps: string[][] = [];
  const items = inOrder(shard.items, IN_FLIGHT, async (item) => [item.key, await source.stamp(item)]);
  for await (const stamp of items) {
    signal?.throwIfAborted();
    stamps.push(stamp);
  }
  return digestOf(stamps);
}
