import { CorruptShardError, type ErrorPlace } from "../errors.js";
import type { ShardFile } from "../shard-file.js";
import type { Batch } from "./batch.js";
import { decompress, type Codec, type Decoder } from "./codec.js";
import type { Region } from "./region.js";

/**
 * Reads runs of the buffers of record batches: plain ones from the file, compressed ones from memory, where those of
 * one record batch are kept, each from its first use on.
 */
export class Buffers {
  #offset: number | undefined;
  readonly #unpacked = new Map<Region, Uint8Array>();

  constructor(
    readonly file: ShardFile,
    readonly decoders: ReadonlyMap<Codec, Decoder>,
  ) {}

  /** Bytes `[from, from + length)` of a buffer. They may be those that are kept: not to be written, nor handed on. */
  read(batch: Batch, region: Region, from: number, length: number, what: string): Uint8Array {
    if (region.packed === undefined) return this.file.read(batch.body + region.offset + from, length, what);
    return this.#run(batch, region, from, length);
  }

  /** Fills `target` with the bytes of a buffer from `from` on. */
  readInto(target: Uint8Array, batch: Batch, region: Region, from: number): void {
    if (region.packed === undefined) this.file.readInto(target, batch.body + region.offset + from);
    else target.set(this.#run(batch, region, from, target.length));
  }

  #run(batch: Batch, region: Region, from: number, length: number): Uint8Array {
    const bytes = this.#buffer(batch, region);
    if (from + length <= bytes.length) return bytes.subarray(from, from + length);
    throw new CorruptShardError({
      ...placeOf(this.file, batch, region),
      problem: "a value lies outside of its buffer",
      expected: `an end up to ${bytes.length}`,
      found: `${from + length}`,
      fix: "copy the file again",
    });
  }

  #buffer(batch: Batch, region: Region): Uint8Array {
    if (this.#offset !== batch.offset) this.#unpacked.clear();
    this.#offset = batch.offset;
    const known = this.#unpacked.get(region);
    if (known !== undefined) return known;
    const { codec, byteLength, length } = region.packed as NonNullable<Region["packed"]>;
    const packed = this.file.read(batch.body + region.offset, byteLength, "a compressed buffer");
    const bytes = decompress(this.decoders.get(codec) as Decoder, packed, length, placeOf(this.file, batch, region));
    this.#unpacked.set(region, bytes);
    return bytes;
  }
}

function placeOf(file: ShardFile, batch: Batch, region: Region): ErrorPlace {
  return { file: file.path, byte: batch.body + region.offset };
}
