import type { LibraryFile } from "../library-file.js";
import type { Rows } from "./rows.js";

/** Rows that the HDF5 library reads, because they lie in a way that is not parsed here. */
export class LibraryRows implements Rows {
  readonly extents: undefined;
  readonly length: number;

  constructor(
    readonly file: LibraryFile,
    readonly path: string,
    readonly shape: readonly number[],
    readonly rowBytes: number,
  ) {
    this.length = shape[0] as number;
  }

  read(row: number): Uint8Array {
    return this.file.readRow(this.path, this.shape, row, this.rowBytes);
  }
}
