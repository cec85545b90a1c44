import { Precision } from "apache-arrow/enum";
import { Field as ArrowField, Schema as ArrowSchema } from "apache-arrow/schema";
import { Binary, FixedSizeList, Float, Int, List, Struct, Utf8, type DataType } from "apache-arrow/type";
import { checkAttributes } from "../attributes.js";
import type { Dtype } from "../dtype.js";
import { SCHEMA_KEY, schemaText } from "../schema-text.js";
import { elementsOf, type Field, type Schema } from "../schema.js";
import {
  EXTENSION_METADATA,
  EXTENSION_NAME,
  FIXED_SHAPE_TENSOR,
  fixedShapeText,
  VARIABLE_SHAPE_TENSOR,
} from "./extension.js";

/**
 * The Arrow schema of a shard.
 *
 * | field | Arrow type |
 * | --- | --- |
 * | tensor of shape `[]` | the primitive; `float16` is `halffloat` |
 * | tensor | `FixedSizeList`, as `arrow.fixed_shape_tensor` |
 * | ragged | `Struct<data: List, shape: FixedSizeList<int32>>`, as `arrow.variable_shape_tensor` |
 * | bytes, string | `Binary`, `Utf8` |
 *
 * No field is nullable.
 *
 * @throws OptionError if an attribute takes the name under which the schema itself is kept, or is no text for UTF-8.
 */
export function arrowSchemaOf(schema: Schema, attributes: ReadonlyMap<string, string>): ArrowSchema {
  checkAttributes(attributes);
  return new ArrowSchema(schema.fields.map(arrowField), new Map([[SCHEMA_KEY, schemaText(schema)], ...attributes]));
}

function arrowField(field: Field): ArrowField {
  switch (field.kind) {
    case "tensor": {
      const type = primitive(field.dtype);
      if (field.shape.length === 0) return new ArrowField(field.name, type, false);
      const storage = new FixedSizeList(elementsOf(field.shape), new ArrowField("item", type, false));
      return new ArrowField(field.name, storage, false, extension(FIXED_SHAPE_TENSOR, fixedShapeText(field.shape)));
    }
    case "ragged": {
      const data = new List(new ArrowField("item", primitive(field.dtype), false));
      const shape = new FixedSizeList(field.rank, new ArrowField("item", new Int(true, 32), false));
      const storage = new Struct([new ArrowField("data", data, false), new ArrowField("shape", shape, false)]);
      return new ArrowField(field.name, storage, false, extension(VARIABLE_SHAPE_TENSOR, "{}"));
    }
    case "bytes":
      return new ArrowField(field.name, new Binary(), false);
    case "string":
      return new ArrowField(field.name, new Utf8(), false);
  }
}

function extension(name: string, metadata: string): Map<string, string> {
  return new Map([
    [EXTENSION_NAME, name],
    [EXTENSION_METADATA, metadata],
  ]);
}

function primitive(dtype: Dtype): DataType {
  switch (dtype) {
    case "uint8":
      return new Int(false, 8);
    case "int8":
      return new Int(true, 8);
    case "uint16":
      return new Int(false, 16);
    case "int16":
      return new Int(true, 16);
    case "uint32":
      return new Int(false, 32);
    case "int32":
      return new Int(true, 32);
    case "uint64":
      return new Int(false, 64);
    case "int64":
      return new Int(true, 64);
    case "float16":
      return new Float(Precision.HALF);
    case "float32":
      return new Float(Precision.SINGLE);
    case "float64":
      return new Float(Precision.DOUBLE);
  }
}
