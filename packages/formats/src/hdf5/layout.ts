import type { Dtype } from "../dtype.js";
import type { Field, TensorField } from "../schema.js";

/**
 * How the fields of a schema lie in an HDF5 file of `N` samples. Datasets are contiguous, so every sample of every
 * field is one run of bytes.
 *
 * ```text
 * field     dataset        element                  shape          in h5py
 * tensor    image          dtype                    [N, ...shape]  f["image"][i]
 * string    key            fixed-length UTF-8       [N]            f["key"].asstr()[i]
 * bytes     jpeg/bytes     uint8                    [total]        f["jpeg/bytes"][o[i]:o[i + 1]]
 *           jpeg/offsets   int64                    [N + 1]        o = f["jpeg/offsets"][:]
 * ragged    boxes/data     dtype                    [total]        f["boxes/data"][o[i]:o[i + 1]]
 *           boxes/offsets  int64, in elements       [N + 1]          .reshape(f["boxes/shapes"][i])
 *           boxes/shapes   int64                    [N, rank]
 * ```
 *
 * A string is as long as the longest of the shard, and padded with zeros. Where that would not give back what was
 * written, because a string ends in a zero, or waste the disk, because one is longer than `MAX_TEXT_BYTES`, the field
 * is stored as `key/bytes` and `key/offsets` are for bytes. The root carries the schema as JSON in the attribute
 * `millrace.schema`, and the attributes of the shard, all as strings.
 */
export interface ColumnSpec {
  /** Path of the dataset. */
  readonly path: string;
  readonly dtype: Dtype;
  /** Extents after the first. */
  readonly rowShape: readonly number[];
}

/** The longest string that is stored at fixed length. */
export const MAX_TEXT_BYTES = 4096;

/** Dataset of a tensor. */
export function tensorColumn({ name, dtype, shape }: TensorField): ColumnSpec {
  return { path: name, dtype, rowShape: shape };
}

/** Datasets of a field whose samples differ in length. */
export interface RunColumns {
  readonly data: ColumnSpec;
  /** Where each sample begins in `data`, in elements, and where the last one ends. */
  readonly offsets: ColumnSpec;
  /** Of `ragged`: the shape of each sample. */
  readonly shapes: ColumnSpec | undefined;
}

/** Datasets of a field of kind `bytes`, `ragged`, or `string` that is not stored at fixed length. */
export function runColumns(field: Exclude<Field, TensorField>): RunColumns {
  const { name } = field;
  const ragged = field.kind === "ragged";
  return {
    data: { path: `${name}/${ragged ? "data" : "bytes"}`, dtype: ragged ? field.dtype : "uint8", rowShape: [] },
    offsets: { path: `${name}/offsets`, dtype: "int64", rowShape: [] },
    shapes: ragged ? { path: `${name}/shapes`, dtype: "int64", rowShape: [field.rank] } : undefined,
  };
}
