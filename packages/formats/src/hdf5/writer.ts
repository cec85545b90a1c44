import { AppendFile } from "../append-file.js";
import { checkAttributes } from "../attributes.js";
import type { FileChecksum } from "../checksum-file.js";
import { OptionError, SchemaError } from "../errors.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { checkSchema, type Sample, type Schema } from "../schema.js";
import { SequentialWriter } from "../sequential-writer.js";
import { Hdf5Encoder } from "./sample-encoder.js";

/** The longest name of an attribute: its message has at most 65,535 bytes. */
const MAX_NAME_BYTES = 60_000;

/** Most fields, and most attributes: the root's header holds both, and at most 65,536 messages. */
const MAX_MEMBERS = 32_000;

/**
 * Creates an HDF5 shard at `path`, which must not exist. Its largest field is written once, to its final place, whether
 * the number of samples is known or not; other fields wait in memory, from 4 MiB on in a file beside, until `finish`.
 * @throws SchemaError for an impossible schema; OptionError for an option; FileError if there is a file already.
 */
export async function createHdf5Writer(path: string, options: ShardWriterOptions): Promise<ShardWriter> {
  checkSchema(options.schema);
  checkFields(options.schema);
  checkOptions(options);
  const file = await AppendFile.create(path);
  const encoder = new Hdf5Encoder(file, options);
  try {
    await encoder.begin();
  } catch (error) {
    await file.remove();
    throw error;
  }
  return new Hdf5Writer(new SequentialWriter(file, encoder, options), encoder);
}

function checkFields({ fields }: Schema): void {
  if (fields.length <= MAX_MEMBERS) return;
  throw new SchemaError({
    problem: "has more fields than HDF5 shards hold",
    expected: `at most ${MAX_MEMBERS}`,
    found: String(fields.length),
    fix: "put numbers into one tensor",
  });
}

function checkOptions({ expectedSamples, attributes = new Map() }: ShardWriterOptions): void {
  if (expectedSamples !== undefined && (!Number.isSafeInteger(expectedSamples) || expectedSamples < 0)) {
    throw new OptionError({
      option: "expectedSamples",
      problem: "is impossible",
      expected: "an integer from 0 up",
      found: String(expectedSamples),
    });
  }
  checkAttributes(attributes);
  if (attributes.size > MAX_MEMBERS) {
    throw new OptionError({
      option: "attributes",
      problem: "are too many",
      expected: `at most ${MAX_MEMBERS}`,
      found: String(attributes.size),
      fix: "put them into one text, such as JSON",
    });
  }
  for (const [name, text] of attributes) {
    const problem =
      name === "" || name.includes("\0") || text.includes("\0")
        ? "has an empty name, or a zero character, which ends a string in HDF5"
        : Buffer.byteLength(name) > MAX_NAME_BYTES
          ? `has a name of more than ${MAX_NAME_BYTES} bytes`
          : undefined;
    if (problem !== undefined)
      throw new OptionError({ option: "attributes", problem, found: name, fix: "choose another name or text" });
  }
}

/** Frees what the encoder keeps when the writer has ended. */
class Hdf5Writer implements ShardWriter {
  constructor(
    readonly writer: SequentialWriter,
    readonly encoder: Hdf5Encoder,
  ) {}

  write(sample: Sample, checksums?: ReadonlyMap<string, number>): Promise<void> {
    return this.writer.write(sample, checksums);
  }

  async finish(): Promise<FileChecksum> {
    const checksum = await this.writer.finish();
    this.encoder.close();
    return checksum;
  }

  async abort(): Promise<void> {
    await this.writer.abort();
    this.encoder.close();
  }
}
