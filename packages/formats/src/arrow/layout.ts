import type { Field as FbField } from "apache-arrow/fb/field";
import { FixedSizeBinary } from "apache-arrow/fb/fixed-size-binary";
import { FixedSizeList } from "apache-arrow/fb/fixed-size-list";
import { FloatingPoint } from "apache-arrow/fb/floating-point";
import { Int } from "apache-arrow/fb/int";
import { Precision } from "apache-arrow/fb/precision";
import type { KeyValue } from "apache-arrow/fb/key-value";
import { Type } from "apache-arrow/fb/type";
import { dtypeBytes, type Dtype } from "../dtype.js";
import { isMillraceError, UnsupportedError } from "../errors.js";
import { checkSchema, elementsOf, type Encoding, type RaggedField, type Schema, type TensorField } from "../schema.js";
import type { BytesField, StringField } from "../schema.js";
import type { CheckedBytes } from "./checked-bytes.js";
import { EXTENSION_METADATA, EXTENSION_NAME, FIXED_SHAPE_TENSOR, parseFixedShape } from "./extension.js";
import type { MessageIndex } from "./message-index.js";

/**
 * A primitive type, `FixedSizeBinary`, or `FixedSizeList`s of one: `rowBytes` a row, in the order of the rows.
 * Arrays outside in: one for each of `listSizes`, then the values.
 */
export interface TensorColumn {
  readonly kind: "tensor";
  readonly field: TensorField;
  readonly listSizes: readonly number[];
  readonly rowBytes: number;
}

/** `Binary`, `Utf8`, or their large twins: an offset before and after every row, and the bytes of all rows in a run. */
export interface VariableColumn {
  readonly kind: "variable";
  readonly field: BytesField | StringField;
  readonly offsetBytes: 4 | 8;
}

/** Bytes of a view: a length, and the value if it is short, else where it lies. */
export const VIEW_BYTES = 16;

/** `BinaryView` or `Utf8View`: a view of {@link VIEW_BYTES} a row, and buffers that hold the longer values. */
export interface ViewColumn {
  readonly kind: "view";
  readonly field: BytesField | StringField;
}

/** A column of indices into a dictionary of texts or bytes. */
export interface DictionaryColumn {
  readonly kind: "dictionary";
  readonly field: BytesField | StringField;
  readonly indices: Dtype;
  /** Which of the file's dictionaries it points at. */
  readonly id: bigint;
  readonly values: VariableColumn | ViewColumn;
}

/** `List` of a primitive, of rank 1; or the storage of `arrow.variable_shape_tensor`, with a shape beside it. */
export interface RaggedColumn {
  readonly kind: "ragged";
  readonly field: RaggedField;
  readonly offsetBytes: 4 | 8;
  readonly shaped: boolean;
}

/** More columns than any data set has: a schema that points at one field again and again costs time otherwise. */
const MAX_COLUMNS = 2 ** 16;

/** How a field of the schema lies in a record batch. */
export type Column = TensorColumn | VariableColumn | ViewColumn | DictionaryColumn | RaggedColumn;

/**
 * The columns of a file. `encodings`: what the file's own metadata says of the fields of bytes, which Arrow has no type for.
 * @throws CorruptShardError, or UnsupportedError naming the field.
 */
export function columnsOf(index: MessageIndex, file: string, encodings: ReadonlyMap<string, Encoding>): Column[] {
  const { schema, bytes } = index;
  const count = bytes.vectorLength(schema.fieldsLength(), 4);
  if (count > MAX_COLUMNS) {
    throw new UnsupportedError({
      file,
      problem: "so many columns are not read",
      expected: `at most ${MAX_COLUMNS}`,
      found: `${count}`,
      fix: "drop some of them",
    });
  }
  const columns = Array.from({ length: count }, (_, number) =>
    new FieldLayout(schema.fields(number) as FbField, bytes, file).column(encodings),
  );
  try {
    checkSchema({ fields: columns.map((column) => column.field) });
  } catch (error) {
    if (!isMillraceError(error, "SCHEMA")) throw error;
    throw new UnsupportedError({ ...error.detail, file, fix: "rename or drop the column", cause: error });
  }
  return columns;
}

/** The schema of these columns. */
export function schemaOf(columns: readonly Column[]): Schema {
  return { fields: columns.map((column) => column.field) };
}

/** The entries of a schema's or field's metadata. */
export function metadataOf(
  parent: { customMetadata(index: number): KeyValue | null; customMetadataLength(): number },
  bytes: CheckedBytes,
): Map<string, string> {
  const entries = new Map<string, string>();
  for (let i = 0, length = bytes.vectorLength(parent.customMetadataLength(), 4); i < length; i++) {
    const entry = parent.customMetadata(i);
    entries.set(entry?.key() ?? "", entry?.value() ?? "");
  }
  return entries;
}

const INTS: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["u8", "uint8"],
  ["i8", "int8"],
  ["u16", "uint16"],
  ["i16", "int16"],
  ["u32", "uint32"],
  ["i32", "int32"],
  ["u64", "uint64"],
  ["i64", "int64"],
]);

const FLOATS: ReadonlyMap<Precision, Dtype> = new Map<Precision, Dtype>([
  [Precision.HALF, "float16"],
  [Precision.SINGLE, "float32"],
  [Precision.DOUBLE, "float64"],
]);

/** Reads the type of one field of the schema. */
class FieldLayout {
  readonly name: string;

  constructor(
    readonly field: FbField,
    readonly bytes: CheckedBytes,
    readonly file: string,
  ) {
    this.name = field.name() ?? "";
  }

  column(encodings: ReadonlyMap<string, Encoding>): Column {
    const encoding = encodings.get(this.name) ?? "none";
    const values = this.#variable(encoding) ?? this.#view(encoding);
    const dictionary = this.field.dictionary();
    if (dictionary !== null) {
      const index = dictionary.indexType();
      const indices = index === null ? "int32" : this.#int(index);
      if (values === undefined || indices === undefined) throw this.#unsupported("Dictionary of ");
      return { kind: "dictionary", field: values.field, indices, id: dictionary.id(), values };
    }
    const column = values ?? this.#ragged() ?? this.#tensor();
    if (column === undefined) throw this.#unsupported();
    return column;
  }

  #variable(encoding: Encoding): VariableColumn | undefined {
    const { name } = this;
    const bytes: BytesField = { name, kind: "bytes", encoding };
    const text: StringField = { name, kind: "string" };
    switch (this.field.typeType()) {
      case Type.Binary:
        return { kind: "variable", field: bytes, offsetBytes: 4 };
      case Type.LargeBinary:
        return { kind: "variable", field: bytes, offsetBytes: 8 };
      case Type.Utf8:
        return { kind: "variable", field: text, offsetBytes: 4 };
      case Type.LargeUtf8:
        return { kind: "variable", field: text, offsetBytes: 8 };
      default:
        return undefined;
    }
  }

  #view(encoding: Encoding): ViewColumn | undefined {
    const { name } = this;
    switch (this.field.typeType()) {
      case Type.BinaryView:
        return { kind: "view", field: { name, kind: "bytes", encoding } };
      case Type.Utf8View:
        return { kind: "view", field: { name, kind: "string" } };
      default:
        return undefined;
    }
  }

  #ragged(): RaggedColumn | undefined {
    if (this.field.typeType() !== Type.Struct_) return this.#list(this.field, 1, false);
    if (this.field.childrenLength() !== 2) return undefined;
    const [data, shape] = [this.field.children(0) as FbField, this.field.children(1) as FbField];
    if (data.name() !== "data" || shape.name() !== "shape" || shape.typeType() !== Type.FixedSizeList) return undefined;
    const rank = (shape.type(new FixedSizeList()) as FixedSizeList | null)?.listSize() ?? 0;
    return this.#dtype(this.#child(shape)) === "int32" ? this.#list(data, rank, true) : undefined;
  }

  #list(list: FbField, rank: number, shaped: boolean): RaggedColumn | undefined {
    const type = list.typeType();
    if (type !== Type.List && type !== Type.LargeList) return undefined;
    const dtype = this.#dtype(this.#child(list));
    if (dtype === undefined) return undefined;
    const field: RaggedField = { name: this.name, kind: "ragged", dtype, rank };
    return { kind: "ragged", field, offsetBytes: type === Type.List ? 4 : 8, shaped };
  }

  #tensor(): TensorColumn | undefined {
    const listSizes: number[] = [];
    let leaf = this.field;
    for (; leaf.typeType() === Type.FixedSizeList && listSizes.length < 32; leaf = this.#child(leaf)) {
      const size = (leaf.type(new FixedSizeList()) as FixedSizeList | null)?.listSize() ?? 0;
      if (size < 1) throw this.#unsupported(`lists of ${size}, `);
      listSizes.push(size);
    }
    const width = this.#byteWidth(leaf);
    const dtype = width === undefined ? this.#dtype(leaf) : "uint8";
    if (dtype === undefined) return undefined;
    const stored = width === undefined ? listSizes : [...listSizes, width];
    const field: TensorField = { name: this.name, kind: "tensor", dtype, shape: this.#shape(stored) };
    return { kind: "tensor", field, listSizes, rowBytes: elementsOf(stored) * dtypeBytes(dtype) };
  }

  /** The shape that the extension type gives; without one the sizes of the lists. */
  #shape(stored: readonly number[]): readonly number[] {
    const metadata = metadataOf(this.field, this.bytes);
    if (metadata.get(EXTENSION_NAME) !== FIXED_SHAPE_TENSOR) return stored;
    const fixed = parseFixedShape(metadata.get(EXTENSION_METADATA) ?? "");
    if (fixed === undefined || elementsOf(fixed.shape) !== elementsOf(stored))
      throw this.bytes.corrupt(`the shape of the tensor ${this.name} does not fit its storage`);
    if (fixed.permuted) throw this.#unsupported("tensor with permuted axes, ");
    return fixed.shape;
  }

  #child(list: FbField): FbField {
    const child = list.childrenLength() === 1 ? list.children(0) : null;
    if (child === null) throw this.bytes.corrupt(`the list ${this.name} has no type of element`);
    return child;
  }

  #byteWidth(field: FbField): number | undefined {
    if (field.typeType() !== Type.FixedSizeBinary) return undefined;
    const width = (field.type(new FixedSizeBinary()) as FixedSizeBinary | null)?.byteWidth() ?? 0;
    if (width < 1) throw this.#unsupported(`runs of ${width} bytes, `);
    return width;
  }

  #dtype(field: FbField): Dtype | undefined {
    if (field !== this.field && field.dictionary() !== null) return undefined;
    const type = field.typeType();
    if (type === Type.Int) {
      const int = field.type(new Int()) as Int | null;
      return int === null ? undefined : this.#int(int);
    }
    if (type !== Type.FloatingPoint) return undefined;
    const float = field.type(new FloatingPoint()) as FloatingPoint | null;
    return FLOATS.get(float?.precision() ?? Precision.HALF);
  }

  #int(int: Int): Dtype | undefined {
    return INTS.get(`${int.isSigned() ? "i" : "u"}${int.bitWidth()}`);
  }

  #unsupported(prefix = ""): UnsupportedError {
    const type = this.field.typeType();
    return new UnsupportedError({
      file: this.file,
      field: this.name,
      problem: "has an Arrow type that is not read",
      expected: "integers, floats, fixed-size lists or lists of them, Binary, Utf8, dictionaries of these two",
      found: `${prefix}${Type[type] ?? type}`,
      fix: "cast or drop the column",
    });
  }
}
