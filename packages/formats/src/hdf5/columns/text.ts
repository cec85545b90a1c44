import { offsetOf, tableExtents, type Extents } from "../../extents.js";
import type { ShardFile } from "../../shard-file.js";
import type { TextType } from "../metadata/datatype.js";
import { decodeText, trimPadding } from "../metadata/text.js";
import { ContiguousRows, type Rows } from "../rows/index.js";
import type { Column } from "./column.js";

/** How much is read at once to find where each text ends. */
const SCAN_BYTES = 2 ** 20;

/** A dataset of fixed-length strings. The extent of a sample is its text without the padding. */
export class TextColumn implements Column {
  #extents: Extents | undefined;

  constructor(
    readonly file: ShardFile,
    readonly rows: Rows,
    readonly type: TextType,
  ) {}

  get length(): number {
    return this.rows.length;
  }

  extents(): Extents | undefined {
    if (this.rows instanceof ContiguousRows) this.#extents ??= this.#scan(this.rows);
    return this.#extents;
  }

  read(row: number): string {
    const bytes = trimPadding(this.rows.read(row), this.type.padding);
    return decodeText(
      bytes,
      this.file.path,
      this.rows instanceof ContiguousRows ? offsetOf(this.rows.extents, row) : 0,
    );
  }

  #scan({ position, length, rowBytes }: ContiguousRows): Extents {
    const offsets = new Float64Array(length);
    const byteLengths = new Uint32Array(length);
    const together = Math.max(1, Math.floor(SCAN_BYTES / rowBytes));
    for (let start = 0; start < length; start += together) {
      const rows = Math.min(together, length - start);
      const bytes = this.file.read(position + start * rowBytes, rows * rowBytes, "texts");
      for (let i = 0; i < rows; i++) {
        const text = trimPadding(bytes.subarray(i * rowBytes, (i + 1) * rowBytes), this.type.padding);
        offsets[start + i] = position + (start + i) * rowBytes;
        byteLengths[start + i] = text.length;
      }
    }
    return tableExtents(offsets, byteLengths);
  }
}
