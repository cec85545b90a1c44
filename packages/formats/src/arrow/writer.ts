import { AppendFile } from "../append-file.js";
import type { ShardWriter, ShardWriterOptions } from "../format.js";
import { checkSchema } from "../schema.js";
import { SequentialWriter } from "../sequential-writer.js";
import { arrowSchemaOf } from "./arrow-schema.js";
import { BatchEncoder } from "./batch-encoder.js";
import { IpcEncoder } from "./ipc-encoder.js";

/**
 * Creates an Arrow file and its writer. In memory it holds a few megabytes, whatever the size of the shard.
 * @throws SchemaError for an impossible schema; OptionError for an attribute; FileError if there is a file already.
 */
export async function createArrowWriter(path: string, options: ShardWriterOptions): Promise<ShardWriter> {
  checkSchema(options.schema);
  const ipc = new IpcEncoder(arrowSchemaOf(options.schema, options.attributes ?? new Map()));
  const file = await AppendFile.create(path);
  try {
    await file.append(ipc.begin());
  } catch (error) {
    await file.remove();
    throw error;
  }
  return new SequentialWriter(file, new BatchEncoder(options.schema.fields, ipc), options);
}
