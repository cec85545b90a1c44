import { Message } from "apache-arrow/fb/message";
import type { ShardFile } from "../shard-file.js";
import { CheckedBytes } from "./checked-bytes.js";
import { checkVersion } from "./message-index.js";

/** The marker in front of a message's length since Arrow 0.15. */
export const CONTINUATION = -1;

/** A message's metadata. */
export interface Envelope {
  readonly message: Message;
  /** The bytes of the metadata; reads of them are checked. */
  readonly bytes: CheckedBytes;
}

/**
 * Opens what stands around a message's metadata.
 *
 * ```text
 * 0  -1        int32, absent before Arrow 0.15
 * 4  n         int32
 * 8  message   flatbuffer Message, n bytes with its padding
 * ```
 *
 * Source: Arrow columnar format, "Encapsulated message format", and Message.fbs.
 *
 * @param all the bytes, which begin at `offset` of the file.
 * @throws CorruptShardError, UnsupportedError
 */
export function openEnvelope(file: ShardFile, all: Uint8Array, offset: number): Envelope {
  const prefix = new CheckedBytes(all, file.path, offset);
  const first = prefix.readInt32(0);
  const start = first === CONTINUATION ? 8 : 4;
  const length = first === CONTINUATION ? prefix.readInt32(4) : first;
  if (length <= 0 || start + length > all.length) throw prefix.corrupt("the length of a message is wrong");
  const bytes = new CheckedBytes(all.subarray(start, start + length), file.path, offset + start);
  const message = Message.getRootAsMessage(bytes);
  checkVersion(file, message.version());
  return { message, bytes };
}
