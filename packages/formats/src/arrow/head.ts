import { CorruptShardError, UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import { MAGIC } from "./footer.js";
import { CONTINUATION } from "./envelope.js";

/** What the first bytes of every file of Feather version 1 are. */
const FEATHER_1 = "FEA1";

/** What the file's first bytes tell it to be: an IPC file with a footer, or a stream of messages without. */
export function kindOf(file: ShardFile): "file" | "stream" {
  const head = Buffer.from(file.read(0, Math.min(MAGIC.length, file.size), "the head").buffer);
  const text = head.toString("latin1");
  if (text === MAGIC) return "file";
  if (text.startsWith(FEATHER_1)) {
    throw new UnsupportedError({
      file: file.path,
      problem: "is a Feather file of version 1",
      fix: "write it again with pyarrow.ipc.new_file",
    });
  }
  const first = head.length < 4 ? 0 : head.readInt32LE(0);
  // Before Arrow 0.15 a stream began with the length of its schema.
  if (first === CONTINUATION || (first > 0 && first < file.size)) return "stream";
  throw new CorruptShardError({
    file: file.path,
    problem: file.size === 0 ? "the file is empty" : "is not an Arrow file",
    expected: `${MAGIC} as its first bytes, or a stream of Arrow messages`,
    found: file.size === 0 ? undefined : text,
    fix: "copy the file again, or name another",
  });
}
