import { createReadStream } from "node:fs";
import { createGunzip, createInflate } from "node:zlib";
import { outside, type ByteSource } from "../byte-source.js";
import { CorruptShardError, fileError, UnsupportedError } from "../errors.js";
import type { ShardFile } from "../shard-file.js";

/** A compressed file may always become this large. */
const FREE_BYTES = 64 * 2 ** 20;
/** Above that it may become this many times as large: more than any data of a data set, less than a bomb. */
const MAX_RATIO = 20;
/** No file may become larger. */
const MAX_BYTES = 2 ** 30;

/** How the whole file is compressed, as the options `GZIP` and `ZLIB` of TensorFlow make it; by its first two bytes. */
export function compressionOf(first: Buffer): "gzip" | "zlib" | undefined {
  if (first.length < 2) return undefined;
  const word = first.readUInt16BE(0);
  if (word === 0x1f8b) return "gzip";
  return (word & 0x0f00) === 0x0800 && word >= 0x1000 && word < 0x8000 && word % 31 === 0 ? "zlib" : undefined;
}

/**
 * Decompresses a file into memory. It may become 64 MiB large, or 20 times its size, but never more than 1 GiB.
 * @throws CorruptShardError if it is damaged; UnsupportedError if it becomes too large.
 */
export async function decompress(file: ShardFile, compression: "gzip" | "zlib"): Promise<ByteSource> {
  const limit = Math.min(MAX_BYTES, Math.max(FREE_BYTES, file.size * MAX_RATIO));
  const chunks: Uint8Array[] = [];
  let size = 0;
  const input = createReadStream(file.path, { highWaterMark: 2 ** 18 });
  const output = compression === "gzip" ? createGunzip({ chunkSize: 2 ** 18 }) : createInflate({ chunkSize: 2 ** 18 });
  input.on("error", (error) => output.destroy(fileError(file.path, "read the shard", error)));
  try {
    for await (const chunk of input.pipe(output) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > limit) throw tooLarge(file, limit);
      chunks.push(chunk);
    }
  } catch (error) {
    throw wrapped(file, error);
  } finally {
    input.destroy();
    output.destroy();
  }
  return new Inflated(file.path, chunks, size);
}

function tooLarge(file: ShardFile, limit: number): UnsupportedError {
  return new UnsupportedError({
    file: file.path,
    problem: "the compressed file becomes too large",
    expected: `at most ${limit} bytes`,
    fix: "decompress it with gzip -d first",
  });
}

function wrapped(file: ShardFile, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (!code.startsWith("Z_")) return error;
  return new CorruptShardError({
    file: file.path,
    problem: "the compressed file is damaged",
    found: (error as Error).message,
    fix: "copy the file again",
    cause: error,
  });
}

/** Decompressed bytes, in the pieces in which they came. All but the last piece have the same length. */
class Inflated implements ByteSource {
  readonly isPlain = false;
  readonly #starts: Float64Array;

  constructor(
    readonly path: string,
    readonly chunks: readonly Uint8Array[],
    readonly size: number,
  ) {
    let start = 0;
    this.#starts = Float64Array.from(chunks, (chunk) => (start += chunk.length) - chunk.length);
  }

  readInto(target: Uint8Array, position: number): void {
    if (position + target.length > this.size) throw outside(this, position, target.length, "a run of bytes");
    let done = 0;
    for (let number = this.#chunkAt(position); done < target.length; number++) {
      const from = position + done - (this.#starts[number] as number);
      const piece = (this.chunks[number] as Uint8Array).subarray(from, from + target.length - done);
      target.set(piece, done);
      done += piece.length;
    }
  }

  read(position: number, length: number, what: string): Uint8Array {
    if (!(position >= 0 && length >= 0 && position + length <= this.size)) throw outside(this, position, length, what);
    const bytes = new Uint8Array(length);
    this.readInto(bytes, position);
    return bytes;
  }

  /** Nothing to free but memory. */
  close(): void {}

  /** The chunk that holds a position, by bisection. */
  #chunkAt(position: number): number {
    let low = 0;
    for (let high = this.chunks.length - 1; low < high;) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
