import type { Extents } from "../../extents.js";
import type { SampleValue } from "../../schema.js";

/** One field of an open shard. */
export interface Column {
  /** Samples. */
  readonly length: number;
  /** As `ShardReader.extents`. */
  extents(): Extents | undefined;
  /** The value of a sample, in memory of its own. `row` is in range. */
  read(row: number): SampleValue;
}
