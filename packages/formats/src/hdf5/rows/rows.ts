import type { Extents } from "../../extents.js";
import type { ShardFile } from "../../shard-file.js";

/** The rows of a dataset: its parts along the first dimension. */
export interface Rows {
  readonly length: number;
  /** Bytes of a row. */
  readonly rowBytes: number;
  /** Where the rows lie in the file, or `undefined` where they lie encoded. */
  readonly extents: Extents | undefined;
  /**
   * The elements of a row, little-endian, in memory of their own. `row` is in range.
   * @throws CorruptShardError, ClosedError
   */
  read(row: number): Uint8Array;
}

/** Rows that lie one after the other from `position` on. */
export class ContiguousRows implements Rows {
  readonly extents: Extents;

  constructor(
    readonly file: ShardFile,
    readonly position: number,
    readonly length: number,
    readonly rowBytes: number,
  ) {
    this.extents = { kind: "affine", length, base: position, stride: rowBytes, byteLength: rowBytes };
  }

  read(row: number): Uint8Array {
    return this.file.read(this.position + row * this.rowBytes, this.rowBytes, `row ${row}`);
  }
}

/** Big-endian rows, turned around as they are read. */
export class SwappedRows implements Rows {
  readonly extents: undefined;

  constructor(
    readonly rows: Rows,
    readonly elementBytes: number,
  ) {}

  get length(): number {
    return this.rows.length;
  }

  get rowBytes(): number {
    return this.rows.rowBytes;
  }

  read(row: number): Uint8Array {
    const bytes = this.rows.read(row);
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.elementBytes === 2) view.swap16();
    if (this.elementBytes === 4) view.swap32();
    if (this.elementBytes === 8) view.swap64();
    return bytes;
  }
}
