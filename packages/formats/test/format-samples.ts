import {
  bytesOf,
  crc32c,
  createArray,
  DTYPES,
  elementsOf,
  FORMAT_NAMES,
  isMillraceError,
  MAX_RANK,
  openFormat,
  sampleBytes,
  type Field,
  type FileChecksum,
  type FormatName,
  type Sample,
  type SampleValue,
  type Schema,
  type ShardFormat,
  type ShardWriterOptions,
} from "@millrace/formats";

/** Bytes that depend on the seed only. */
export function noise(seed: number, length: number): Uint8Array {
  let state = seed * 2_654_435_761 + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 24;
  });
}

function valueOf(field: Field, n: number): SampleValue {
  switch (field.kind) {
    case "tensor": {
      const value = createArray(field.dtype, elementsOf(field.shape));
      bytesOf(value).set(noise(n, value.byteLength));
      return value;
    }
    case "ragged": {
      const shape = Array.from({ length: field.rank }, (_, axis) => (n * 3 + axis * 5) % 4);
      const data = createArray(field.dtype, elementsOf(shape));
      bytesOf(data).set(noise(n, data.byteLength));
      return { data, shape };
    }
    case "bytes":
      return noise(n, (n * 37) % 101);
    case "string":
      return n % 4 === 3 ? "" : `katze/${"ä".repeat(n % 9)}/${n}.🐈.jpg`;
  }
}

/** Samples 0 to `length - 1` of a schema. */
export function samplesOf(schema: Schema, length: number): Sample[] {
  return Array.from(
    { length },
    (_, n) => new Map(schema.fields.map((field) => [field.name, valueOf(field, n)] as const)),
  );
}

const tensors = DTYPES.map((dtype): Field => ({ name: `t_${dtype}`, kind: "tensor", dtype, shape: [3, 5] }));
const scalars = DTYPES.map((dtype): Field => ({ name: `s_${dtype}`, kind: "tensor", dtype, shape: [] }));
const ragged = DTYPES.map((dtype, i): Field => ({ name: `r_${dtype}`, kind: "ragged", dtype, rank: (i % 3) + 1 }));
export const image: Field = { name: "image", kind: "tensor", dtype: "uint8", shape: [13, 7, 3] };
export const label: Field = { name: "label", kind: "tensor", dtype: "int32", shape: [] };
export const key: Field = { name: "key", kind: "string" };
export const jpeg: Field = { name: "jpeg", kind: "bytes", encoding: "jpeg" };
export const boxes: Field = { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 };

/** A field of every kind. */
export const everyKind: Schema = { fields: [image, label, key, jpeg, boxes] };

/** Schemas that together have every kind, dtype, rank and form of name. */
export const schemas: readonly [name: string, fields: readonly Field[]][] = [
  ["an image, a label and a key", [image, label, key]],
  ["an encoded image, a label and a key", [jpeg, label, key]],
  ["tensors of every dtype", tensors],
  ["scalars of every dtype", scalars],
  ["ragged arrays of every dtype", ragged],
  [
    "shapes of the highest rank, and of ones",
    [
      { ...label, name: "long", shape: [7] },
      { ...label, name: "ones", dtype: "float32", shape: [1, 1, 1] },
      { ...label, name: "deep", dtype: "int16", shape: [...Array<number>(MAX_RANK - 2).fill(1), 3, 5] },
      { ...boxes, name: "ragged", dtype: "uint8", rank: MAX_RANK },
    ],
  ],
  ["strings only", [key]],
  ["bytes only", [{ name: "blob", kind: "bytes", encoding: "none" }]],
  [
    "names of every form",
    [
      { ...label, name: "_a.b-C_9" },
      { ...label, name: "__proto__" },
      { ...key, name: "x".repeat(100) },
    ],
  ],
  ["every kind at once", [image, label, key, jpeg, boxes, ...tensors.slice(8)]],
];

/** The fields that a format keeps in a form of its own, so that they have no extents. */
export const encoded: Readonly<Record<FormatName, (field: Field) => boolean>> = {
  hdf5: () => false,
  arrow: () => false,
  tfrecord: (field) =>
    field.kind === "tensor" && /int/u.test(field.dtype) && (field.dtype !== "uint8" || field.shape.length === 0),
  webdataset: (field) => field.name === "label",
};

/** All formats. */
export const formats: readonly { name: FormatName; format: ShardFormat }[] = await Promise.all(
  FORMAT_NAMES.map(async (name) => ({ name, format: await openFormat(name) })),
);

/** Writes a shard of these samples; of every second one with the checksums of its values. */
export async function write(
  name: FormatName,
  path: string,
  options: ShardWriterOptions,
  samples: readonly Sample[],
): Promise<FileChecksum> {
  const writer = await (await openFormat(name)).createWriter(path, options);
  for (const [row, sample] of samples.entries())
    await writer.write(sample, row % 2 === 0 ? undefined : checksumsOf(sample));
  return await writer.finish();
}

function checksumsOf(sample: Sample): ReadonlyMap<string, number> {
  return new Map([...sample].map(([name, value]) => [name, crc32c(sampleBytes(value))]));
}

/** A value as a text of its bytes: NaN and the bits of floats are compared as they are. */
function textOf(value: SampleValue): string {
  if (typeof value === "string") return `text ${value}`;
  const [data, shape] = "shape" in value ? [value.data, value.shape] : [value, []];
  return `${data.constructor.name} [${shape.join()}] ${Buffer.from(bytesOf(data)).toString("base64")}`;
}

/** A sample as texts, which are equal where all bits are. */
export function comparable(sample: Sample): Map<string, string> {
  return new Map([...sample].map(([name, value]) => [name, textOf(value)]));
}

/** Entries in the order of their keys. */
export function sorted(texts: ReadonlyMap<string, string>): [string, string][] {
  return [...texts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The code of the error that `action` ends in, or the stack of one that is not of millrace. */
export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return "no error";
  } catch (error) {
    return isMillraceError(error) ? error.code : String((error as Error).stack);
  }
}
