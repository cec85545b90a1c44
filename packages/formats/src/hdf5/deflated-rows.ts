import { deflateSync } from "node:zlib";
import { encodeChunkTree } from "./encode/index.js";

/** What h5py takes for `compression="gzip"`. */
export const DEFLATE_LEVEL = 4;

/** Tensors of fewer bytes a sample are not deflated: their chunks would cost more than they save. */
export const DEFLATE_FROM_BYTES = 1024;

/** The chunks of a tensor that is deflated, a chunk for each sample. */
export class DeflatedRows {
  readonly #addresses: number[] = [];
  readonly #bytes: number[] = [];

  /** Deflates a row, which will stand at `address`. */
  encode(row: Uint8Array, address: number): Uint8Array {
    const deflated = deflateSync(row, { level: DEFLATE_LEVEL });
    this.#addresses.push(address);
    this.#bytes.push(deflated.length);
    return deflated;
  }

  /** The index of the chunks, for a place of the file. `rank`: of the dataset. */
  tree(rank: number, place: number): { readonly bytes: Buffer; readonly root: number } {
    return encodeChunkTree({ addresses: this.#addresses, bytes: this.#bytes }, rank, place);
  }
}
