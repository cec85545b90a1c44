import { AppendFile } from "../append-file.js";
import { checkAttributes } from "../attributes.js";
import { bytesOfPart, type ChecksummedBytes } from "../combined-checksum.js";
import type { TypedArray } from "../dtype.js";
import { SchemaError } from "../errors.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { encodeNpyHeader } from "../npy-header.js";
import { sampleBytes } from "../sample-bytes.js";
import { SCHEMA_KEY, schemaText } from "../schema-text.js";
import { checkSchema, type Field, type RaggedValue, type Sample, type SampleValue, type Schema } from "../schema.js";
import { SequentialWriter, type SampleEncoder } from "../sequential-writer.js";
import { encodeText } from "../utf8.js";
import { codecOf, suffixOf } from "./member-columns.js";
import { encodeMetadata, encodeSamples, SAMPLES_AT } from "./metadata.js";
import { encodePax } from "./pax.js";
import { encodeTarHeader, MAX_NAME_BYTES, MEMBER, TAR_END, tarPadding } from "./tar-header.js";

/** Samples are numbered in their shard with at least so many digits. */
const KEY_DIGITS = 8;
/**
 * The only member of a shard without samples, which webdataset passes over: Python's tarfile takes a header of the
 * archive with nothing behind it for damage.
 */
const NO_SAMPLES = "__millrace__/no-samples";
/** Extents count the bytes of a value in 32 bits. */
const MAX_VALUE_BYTES = 2 ** 32 - 1;

/**
 * Creates a tar file and its writer. Sample `n` of a shard has the WebDataset key `n`, in eight digits; a field `key`,
 * which may hold any text any number of times, is a member `key.txt` like other strings.
 * @throws SchemaError for an impossible schema; OptionError for an attribute; FileError if there is a file already.
 */
export async function createWebdatasetWriter(path: string, options: ShardWriterOptions): Promise<ShardWriter> {
  checkSchema(options.schema);
  checkNames(options.schema);
  const attributes = options.attributes ?? new Map<string, string>();
  checkAttributes(attributes);
  const file = await AppendFile.create(path);
  try {
    await file.append(encodeMetadata(new Map([[SCHEMA_KEY, schemaText(options.schema)], ...attributes])));
  } catch (error) {
    await file.remove();
    throw error;
  }
  return new SequentialWriter(file, new MemberEncoder(options.schema), options);
}

/** `webdataset` takes suffixes in lower case, and a name twice for an error. */
function checkNames(schema: Schema): void {
  const seen = new Map<string, string>();
  for (const { name } of schema.fields) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new SchemaError({
        field: name,
        problem: `differs from the field ${other} in upper and lower case only, which webdataset does not tell apart`,
        fix: "rename one of them",
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}

class MemberEncoder implements SampleEncoder {
  constructor(readonly schema: Schema) {}

  encode(
    sample: Sample,
    row: number,
    checksums: ReadonlyMap<string, number>,
  ): readonly (Uint8Array | ChecksummedBytes)[] {
    const key = String(row).padStart(KEY_DIGITS, "0");
    return this.schema.fields.flatMap((field) =>
      encodeMember(key, field, sample.get(field.name) as SampleValue, checksums.get(field.name)),
    );
  }

  async complete(file: AppendFile, samples: number): Promise<void> {
    const members = samples === 0 ? [encodeTarHeader(NO_SAMPLES, 0, MEMBER.file)] : [];
    await file.append([...members, TAR_END]);
    await file.patch(SAMPLES_AT, encodeSamples(samples));
  }
}

function encodeMember(
  key: string,
  field: Field,
  value: SampleValue,
  checksum: number | undefined,
): (Uint8Array | ChecksummedBytes)[] {
  const name = `${key}.${suffixOf(field, value instanceof Uint8Array ? value : undefined)}`;
  const data = dataOf(field, value, checksum);
  const size = data.reduce((sum, part) => sum + bytesOfPart(part).length, 0);
  if (size > MAX_VALUE_BYTES) {
    throw new SchemaError({
      field: field.name,
      problem: "is too large for a member",
      expected: `at most ${MAX_VALUE_BYTES} bytes`,
      found: `${size}`,
    });
  }
  return [...longName(name), encodeTarHeader(name, size, MEMBER.file), ...data, tarPadding(size)];
}

/** The header that goes before that of a member whose name does not fit into its own. */
function longName(name: string): Uint8Array[] {
  if (name.length <= MAX_NAME_BYTES) return [];
  const data = encodePax(new Map([["path", name]]));
  return [encodeTarHeader("PaxHeader", data.length, MEMBER.pax), data, tarPadding(data.length)];
}

function dataOf(field: Field, value: SampleValue, checksum: number | undefined): (Uint8Array | ChecksummedBytes)[] {
  if (codecOf(field) === "decimal") return [Buffer.from(String((value as TypedArray)[0]), "latin1")];
  const bytes = typeof value === "string" ? encodeText(value, field.name) : sampleBytes(value);
  const data = checksum === undefined ? bytes : { bytes, crc32c: checksum };
  if (field.kind !== "tensor" && field.kind !== "ragged") return [data];
  const shape = field.kind === "tensor" ? field.shape : (value as RaggedValue).shape;
  return [encodeNpyHeader({ dtype: field.dtype, shape }), data];
}
