import { AppendFile } from "../append-file.js";
import { checkAttributes } from "../attributes.js";
import { crc32c } from "../checksum.js";
import { checksummed, RunningChecksum, type ChecksummedBytes } from "../combined-checksum.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { SCHEMA_KEY, schemaText } from "../schema-text.js";
import { checkSchema, type Sample } from "../schema.js";
import { SequentialWriter, type SampleEncoder } from "../sequential-writer.js";
import { encodeExample } from "./encode-example.js";
import { encodeFooter, encodeHeader, HEADER_BYTES } from "./framing.js";
import { encodeMetadata, encodeSamples, SAMPLES_BYTES } from "./metadata.js";

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

  encode(sample: Sample, row: number, checksums: ReadonlyMap<string, number>): readonly ChecksummedBytes[] {
    const parts = encodeExample(this.options.schema, sample, checksums).map(checksummed);
    const payload = new RunningChecksum();
    for (const part of parts) payload.append(part);
    if (row === 0) {
      const behind = [this.metadata.subarray(0, -SAMPLES_BYTES), this.metadata.subarray(-SAMPLES_BYTES)].map(
        checksummed,
      ) as [ChecksummedBytes, ChecksummedBytes];
      payload.append(behind[0]);
      this.#samplesAt = HEADER_BYTES + payload.bytes;
      this.#crcBefore = payload.crc32c;
      payload.append(behind[1]);
      parts.push(...behind);
    }
    return [checksummed(encodeHeader(payload.bytes)), ...parts, checksummed(encodeFooter(payload.crc32c))];
  }

  async complete(file: AppendFile, samples: number): Promise<void> {
    if (samples === 0) return;
    const count = encodeSamples(samples);
    await file.patch(this.#samplesAt, Buffer.concat([count, encodeFooter(crc32c(count, this.#crcBefore))]));
  }
}
