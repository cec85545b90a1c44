import { encodingOf } from "../encoding-of.js";
import type { BytesField, Encoding, Field, Schema } from "../schema.js";

/** How the data of a member becomes a value: its bytes, UTF-8, a decimal number, a `.npy` file. */
export type Codec = "bytes" | "text" | "decimal" | "npy";

/** The members of one suffix: the field that they hold, by its place in the schema, and how. */
export interface MemberColumn {
  readonly field: number;
  readonly codec: Codec;
}

/** Columns by suffix. */
export type MemberColumns = ReadonlyMap<string, MemberColumn>;

/** The encodings of images by their extensions; new members get the first. */
const IMAGE_EXTENSIONS: readonly [extension: string, Encoding][] = [
  ["jpg", "jpeg"],
  ["png", "png"],
  ["webp", "webp"],
  ["jpeg", "jpeg"],
];
const OPAQUE = "bin";

/** What an extension tells of the field of a member that others made. */
export type Known =
  | { readonly codec: "bytes"; readonly encoding: Encoding }
  | { readonly codec: Exclude<Codec, "bytes"> };

/** Extensions that mean something; the data of others is bytes. */
export const EXTENSIONS: ReadonlyMap<string, Known> = new Map<string, Known>([
  ...IMAGE_EXTENSIONS.map(([extension, encoding]): [string, Known] => [extension, { codec: "bytes", encoding }]),
  [OPAQUE, { codec: "bytes", encoding: "none" }],
  ["txt", { codec: "text" }],
  ["json", { codec: "text" }],
  ["cls", { codec: "decimal" }],
  ["npy", { codec: "npy" }],
]);

/** Extensions that stand alone for the field that data sets have most. */
export const FIELD_OF_EXTENSION: ReadonlyMap<string, string> = new Map([
  ...IMAGE_EXTENSIONS.map(([extension]): [string, string] => [extension, "image"]),
  ["cls", "label"],
]);

/**
 * The suffix of the member that holds a value. `image` and `label`, as images and classes, have those that the decoders
 * of `webdataset` know; everything else has its name and an extension.
 *
 * | field | suffix | data |
 * | --- | --- | --- |
 * | bytes `image` | `jpg`, `png`, `webp` by the encoding, or by the first bytes if that is `image` | the bytes |
 * | bytes of these encodings | `<name>.jpg`, … | the bytes |
 * | other bytes | `<name>.bin` | the bytes |
 * | integer scalar `label` | `cls` | decimal digits |
 * | other tensors, ragged | `<name>.npy` | `.npy`, the shape of a ragged value with it |
 * | string | `<name>.txt` | UTF-8 |
 */
export function suffixOf(field: Field, value?: Uint8Array): string {
  const { name } = field;
  switch (field.kind) {
    case "bytes": {
      const extension = imageExtension(field, value) ?? OPAQUE;
      return name === "image" && extension !== OPAQUE ? extension : `${name}.${extension}`;
    }
    case "string":
      return `${name}.txt`;
    default:
      return isClass(field) ? "cls" : `${name}.npy`;
  }
}

function imageExtension(field: BytesField, value: Uint8Array | undefined): string | undefined {
  const encoding = field.encoding === "image" && value !== undefined ? encodingOf(value) : field.encoding;
  return IMAGE_EXTENSIONS.find((entry) => entry[1] === encoding)?.[0];
}

function isClass(field: Field): boolean {
  return field.name === "label" && isIntegerScalar(field);
}

function isIntegerScalar(field: Field): boolean {
  return field.kind === "tensor" && field.shape.length === 0 && field.dtype.includes("int");
}

/** The codec of the members that {@link suffixOf} names. */
export function codecOf(field: Field): Codec {
  if (field.kind === "bytes") return "bytes";
  if (field.kind === "string") return "text";
  return isClass(field) ? "decimal" : "npy";
}

/** The columns of a shard of ours: exactly the suffixes that the writer gives. */
export function writtenColumns(schema: Schema): MemberColumns {
  const columns = new Map<string, MemberColumn>();
  for (const [number, field] of schema.fields.entries()) {
    const column = { field: number, codec: codecOf(field) };
    columns.set(suffixOf(field), column);
    if (field.kind !== "bytes" || field.encoding !== "image") continue;
    for (const [, encoding] of IMAGE_EXTENSIONS) columns.set(suffixOf({ ...field, encoding }), column);
  }
  return columns;
}

/**
 * The columns of an archive that others made, for a schema that was given or inferred. A suffix belongs to the field of
 * its name; else to the field `<name>` of `<name>.<extension>`; else, alone, to `image` or `label`. An extension that
 * does not fit the kind of a field is not its.
 */
export function foreignColumns(schema: Schema): MemberColumns {
  const columns = new Map<string, MemberColumn>();
  const claim = (suffix: string, codec: Codec | undefined, field: number): void => {
    if (codec !== undefined && !columns.has(suffix)) columns.set(suffix, { field, codec });
  };
  const fields = [...schema.fields.entries()].map(([number, field]) => ({
    number,
    field,
    name: field.name.toLowerCase(),
  }));
  for (const { number, field, name } of fields) claim(name, codecOfName(field), number);
  for (const { number, field, name } of fields)
    for (const extension of EXTENSIONS.keys())
      claim(`${name}.${extension}`, codecOfExtension(field, extension), number);
  for (const [extension, owner] of FIELD_OF_EXTENSION)
    for (const { number, field, name } of fields)
      if (name === owner) claim(extension, codecOfExtension(field, extension), number);
  return columns;
}

/** How members whose whole suffix is the field's name hold it: bytes and texts whatever the extension. */
function codecOfName(field: Field): Codec | undefined {
  if (field.kind === "bytes") return "bytes";
  if (field.kind === "string") return "text";
  return codecOfExtension(field, field.name.slice(field.name.lastIndexOf(".") + 1).toLowerCase());
}

/** How members with this extension hold such a field, or `undefined` if they do not. */
function codecOfExtension(field: Field, extension: string): Codec | undefined {
  const codec = EXTENSIONS.get(extension)?.codec;
  switch (codec) {
    case "bytes":
      return field.kind === "bytes" ? codec : undefined;
    case "text":
      return field.kind === "string" ? codec : undefined;
    case "decimal":
      return isIntegerScalar(field) ? codec : undefined;
    case "npy":
      return field.kind === "tensor" || field.kind === "ragged" ? codec : undefined;
    case undefined:
      return undefined;
  }
}
