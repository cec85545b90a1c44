import type { Extents } from "../../extents.js";
import type { SampleValue } from "../../schema.js";

/** One field of an open shard. */
export interface Column {
  /** Samples. */
  readonly length: number;
  /** As `ShardReader.extents`. */
  extents(): Extents | undefined;
  /** As `ShardReader.shapes`; absent where there are none. */
  shapes?(): Int32Array | undefined;
  /** The value of a sample, in memory of its own. `row` is in range. */
  read(row: number): SampleValue;
}
