import { AppendFile } from "../append-file.js";
import { checkAttributes } from "../attributes.js";
import { crc32c } from "../checksum.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { SCHEMA_KEY, schemaText } from "../schema-text.js";
import { checkSchema, type Sample } from "../schema.js";
import { SequentialWriter, type SampleEncoder } from "../sequential-writer.js";
import { encodeExample } from "./encode-example.js";
import { encodeFooter, encodeHeader, HEADER_BYTES } from "./framing.js";
import { encodeMetadata, encodeSamples, SAMPLES_BYTES } from "./metadata.js";

const NOTHING = new Uint8Array(0);

/**
 * Creates a TFRecord file and its writer. A shard without samples is an empty file, which only the manifest's schema
 * opens.
 * @throws SchemaError for an impossible schema; OptionError for an attribute; FileError if there is a file already.
 */
export async function createTfrecordWriter(path: string, options: ShardWriterOptions): Promise<ShardWriter> {
  checkSchema(options.schema);
  const attributes = options.attributes ?? new Map<string, string>();
  checkAttributes(attributes);
  const metadata = encodeMetadata(new Map([[SCHEMA_KEY, schemaText(options.schema)], ...attributes]));
  return new SequentialWriter(await AppendFile.create(path), new RecordEncoder(options, metadata), options);
}

class RecordEncoder implements SampleEncoder {
  /** Of the first record: where its number of samples stands, and the CRC-32C of all before that. */
  #samplesAt = 0;
  #crcBefore = 0;

  constructor(
    readonly options: ShardWriterOptions,
    readonly metadata: Uint8Array,
  ) {}

  encode(sample: Sample, row: number): readonly Uint8Array[] {
    const parts = encodeExample(this.options.schema, sample, row === 0 ? this.metadata : NOTHING);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const tail = row === 0 ? SAMPLES_BYTES : 0;
    let crc = parts.slice(0, -1).reduce((previous, part) => crc32c(part, previous), 0);
    const last = parts.at(-1) as Uint8Array;
    crc = crc32c(last.subarray(0, last.length - tail), crc);
    if (row === 0) {
      this.#samplesAt = HEADER_BYTES + length - tail;
      this.#crcBefore = crc;
    }
    const footer = encodeFooter(crc32c(last.subarray(last.length - tail), crc));
    return [encodeHeader(length), ...parts, footer];
  }

  async complete(file: AppendFile, samples: number): Promise<void> {
    if (samples === 0) return;
    const count = encodeSamples(samples);
    await file.patch(this.#samplesAt, Buffer.concat([count, encodeFooter(crc32c(count, this.#crcBefore))]));
  }
}
