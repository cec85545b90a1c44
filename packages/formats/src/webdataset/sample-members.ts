import type { MemberColumn } from "./member-columns.js";
import type { MemberIndex } from "./member-index.js";

/** The member that holds a field of a sample. */
export interface MemberPlace {
  readonly column: MemberColumn;
  readonly offset: number;
  readonly size: number;
}

/** Looks members up in an index. */
export class SampleMembers {
  /** Number of samples. */
  readonly length: number;

  constructor(
    readonly index: MemberIndex,
    readonly columns: readonly MemberColumn[],
  ) {
    this.length = index.starts.length - 1;
  }

  /** The member of a field; `undefined` if the sample has none, `"several"` if it has more than one. */
  find(row: number, field: number): MemberPlace | "several" | undefined {
    const { starts, columns } = this.index;
    let found: number | undefined;
    const end = starts[row + 1] as number;
    for (let member = starts[row] as number; member < end; member++) {
      if (this.columns[columns[member] as number]?.field !== field) continue;
      if (found !== undefined) return "several";
      found = member;
    }
    return found === undefined ? undefined : this.#place(found);
  }

  #place(member: number): MemberPlace {
    const { offsets, sizes, columns } = this.index;
    return {
      column: this.columns[columns[member] as number] as MemberColumn,
      offset: offsets[member] as number,
      size: sizes[member] as number,
    };
  }
}
