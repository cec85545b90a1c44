import { viewAs, type Dtype } from "../../dtype.js";
import type { Extents } from "../../extents.js";
import type { SampleValue } from "../../schema.js";
import type { Rows } from "../rows/index.js";
import type { Column } from "./column.js";

/** A dataset whose rows are the samples. */
export class TensorColumn implements Column {
  constructor(
    readonly rows: Rows,
    readonly dtype: Dtype,
  ) {}

  get length(): number {
    return this.rows.length;
  }

  extents(): Extents | undefined {
    return this.rows.extents;
  }

  read(row: number): SampleValue {
    return viewAs(this.dtype, this.rows.read(row));
  }
}
