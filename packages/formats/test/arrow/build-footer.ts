import { Block } from "apache-arrow/fb/block";
import { Endianness } from "apache-arrow/fb/endianness";
import { Field } from "apache-arrow/fb/field";
import { FixedSizeList } from "apache-arrow/fb/fixed-size-list";
import { Footer } from "apache-arrow/fb/footer";
import { Int } from "apache-arrow/fb/int";
import { KeyValue } from "apache-arrow/fb/key-value";
import { MetadataVersion } from "apache-arrow/fb/metadata-version";
import { Schema } from "apache-arrow/fb/schema";
import { Type } from "apache-arrow/fb/type";
import { Builder, ByteBuffer } from "flatbuffers";

/** A little-endian number of four bytes. */
export function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** A file of a footer and `body` before it. */
export function fileOf(footer: Uint8Array, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const magic = Buffer.from("ARROW1");
  return Buffer.concat([magic, int32(0).subarray(2), body, footer, int32(footer.length), magic]);
}

/** What a footer says. */
export interface FooterParts {
  readonly version?: MetadataVersion;
  readonly endianness?: Endianness;
  /** Fields of the schema, all of them this one. */
  readonly fields?: number;
  /** Entries of each field's metadata, all of them the same. */
  readonly entries?: number;
  readonly withoutSchema?: boolean;
  /** offset, metaDataLength, bodyLength */
  readonly blocks?: readonly [bigint, number, bigint][];
}

/** A footer whose schema has one field `a` of uint8, unless it is told otherwise. */
export function footerOf(parts: FooterParts): Uint8Array {
  const b = new Builder();
  const key = b.createString("k");
  KeyValue.startKeyValue(b);
  KeyValue.addKey(b, key);
  const entry = KeyValue.endKeyValue(b);
  const metadata = Field.createCustomMetadataVector(
    b,
    Array.from({ length: parts.entries ?? 0 }, () => entry),
  );
  const name = b.createString("a");
  const type = Int.createInt(b, 8, false);
  const children = Field.createChildrenVector(b, []);
  Field.startField(b);
  Field.addName(b, name);
  Field.addTypeType(b, Type.Int);
  Field.addType(b, type);
  Field.addChildren(b, children);
  Field.addCustomMetadata(b, metadata);
  const field = Field.endField(b);
  const fields = Schema.createFieldsVector(
    b,
    Array.from({ length: parts.fields ?? 1 }, () => field),
  );
  Schema.startSchema(b);
  Schema.addEndianness(b, parts.endianness ?? Endianness.Little);
  Schema.addFields(b, fields);
  const schema = Schema.endSchema(b);
  const blocks = parts.blocks ?? [];
  Footer.startRecordBatchesVector(b, blocks.length);
  for (const [offset, metaDataLength, bodyLength] of blocks.toReversed())
    Block.createBlock(b, offset, metaDataLength, bodyLength);
  const batches = b.endVector();
  Footer.startFooter(b);
  Footer.addVersion(b, parts.version ?? MetadataVersion.V5);
  if (parts.withoutSchema !== true) Footer.addSchema(b, schema);
  Footer.addRecordBatches(b, batches);
  Footer.finishFooterBuffer(b, Footer.endFooter(b));
  return b.asUint8Array();
}

/** A footer whose field is a list of itself. */
export function circularFooter(type: Type): Uint8Array {
  const b = new Builder();
  const name = b.createString("a");
  const size = FixedSizeList.createFixedSizeList(b, 1);
  const children = Field.createChildrenVector(b, [0, 0]);
  Field.startField(b);
  Field.addName(b, name);
  Field.addTypeType(b, type);
  Field.addType(b, size);
  Field.addChildren(b, children);
  const field = Field.endField(b);
  const fields = Schema.createFieldsVector(b, [field]);
  Schema.startSchema(b);
  Schema.addFields(b, fields);
  const schema = Schema.endSchema(b);
  Footer.startFooter(b);
  Footer.addVersion(b, MetadataVersion.V5);
  Footer.addSchema(b, schema);
  Footer.finishFooterBuffer(b, Footer.endFooter(b));
  const bytes = b.asUint8Array();
  const buffer = new ByteBuffer(bytes);
  const at = Footer.getRootAsFooter(buffer).schema()?.fields(0)?.bb_pos as number;
  const vector = buffer.__vector(at + buffer.__offset(at, 14));
  buffer.writeInt32(vector - 4, 1);
  buffer.writeInt32(vector, at - vector);
  return bytes;
}
