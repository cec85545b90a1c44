import {
  openShard,
  OptionError,
  viewAs,
  type Extents,
  type Field,
  type OpenShard,
  type Schema,
  type ShardLocation,
  type TypedArray,
} from "@millrace/formats";
import { LocalFiles } from "./storage/local.js";

const LABEL_DTYPES: readonly string[] = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"];

/**
 * The value of the field `label` of every sample, shards in order: for orders that depend on classes. Reads the whole
 * column of a shard at once where it lies in one piece, and sample by sample otherwise. Opens every shard, so it is
 * O(samples).
 * @throws {@link OptionError} if there is no field `label` of one integer a sample, or a label is not within 32 bits.
 */
export async function readLabels(shards: readonly ShardLocation[], schema: Schema): Promise<Int32Array> {
  const field = labelFieldOf(schema);
  const labels = new Int32Array(shards.reduce((sum, shard) => sum + shard.samples, 0));
  const files = new LocalFiles(
    shards.map((shard) => shard.path),
    1,
  );
  let start = 0;
  try {
    for (const [number, location] of shards.entries()) {
      const shard = await openShard(location);
      try {
        readShard(shard, number, field, files, labels.subarray(start, start + location.samples));
      } finally {
        shard.close();
      }
      start += location.samples;
    }
  } finally {
    files.close();
  }
  return labels;
}

type LabelField = Extract<Field, { kind: "tensor" }>;

function labelFieldOf(schema: Schema): LabelField {
  const field = schema.fields.find((candidate) => candidate.name === "label");
  if (field?.kind === "tensor" && field.shape.length === 0 && LABEL_DTYPES.includes(field.dtype)) return field;
  throw new OptionError({
    option: "order",
    problem: "the data set has no labels",
    expected: `a field label of one integer a sample: ${LABEL_DTYPES.join(", ")}`,
    found: schema.fields.map((f) => f.name).join(", "),
  });
}

function readShard(shard: OpenShard, number: number, field: LabelField, files: LocalFiles, labels: Int32Array): void {
  const { reader } = shard;
  const extents = reader.extents(field.name);
  if (extents !== undefined && isOnePiece(extents)) {
    const bytes = new Uint8Array(extents.byteLength * extents.length);
    files.readInto(number, bytes, 0, bytes.length, extents.base);
    const column = viewAs(field.dtype, bytes);
    for (let row = 0; row < labels.length; row++) labels[row] = labelOf(column[row]);
    return;
  }
  for (let row = 0; row < labels.length; row++)
    labels[row] = labelOf((reader.readField(row, field.name) as TypedArray)[0]);
}

function labelOf(value: number | bigint | undefined): number {
  const label = Number(value);
  if (label === (label | 0)) return label;
  throw new OptionError({
    option: "order",
    problem: "a label is no number of a class",
    expected: "integers of 32 bits",
    found: String(value),
  });
}

function isOnePiece(extents: Extents): extents is Extract<Extents, { kind: "affine" }> {
  return extents.kind === "affine" && extents.stride === extents.byteLength;
}
