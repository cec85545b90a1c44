import { setImmediate as nextTurn } from "node:timers/promises";
import type { ByteSource } from "../byte-source.js";
import { CorruptShardError } from "../errors.js";
import { NumberList } from "../number-list.js";
import { ScanWindow } from "../scan-window.js";
import { checkPayload, decodeHeader, FRAME_BYTES, HEADER_BYTES } from "./framing.js";
import { openRecords } from "./open-records.js";

/** Bytes that are read between two looks at the signal. */
const TURN_BYTES = 2 ** 25;

/** Lengths that lead nowhere may cost so many times the bytes of the file before the search is given up. */
const SEARCH_COST = 4;

/** A run of bytes of a TFRecord file that holds no sound record. */
export interface TfrecordDamage {
  /**
   * `payload`: the lengths are sound, but the bytes of these records do not match their checksum. `length`: the length
   * of a record is damaged; the next sound record was searched for. `end`: no sound record follows.
   */
  readonly kind: "payload" | "length" | "end";
  /** Byte offset of the first byte that is lost. */
  readonly from: number;
  /** Byte offset of the first byte that is not. */
  readonly to: number;
  /** How many sound records lie before it. */
  readonly recordsBefore: number;
  /** How many records are lost; `undefined` where lengths are damaged, so that nothing tells: one at least. */
  readonly records: number | undefined;
}

/** What {@link recoverTfrecord} found. The sound records and the damages together are the whole file. */
export interface TfrecordRecovery {
  /** Bytes that were searched: the file's, or those that it becomes when decompressed. */
  readonly bytes: number;
  /** Byte offset of the payload of each sound record. */
  readonly offsets: Float64Array;
  /** Bytes of the payload of each sound record. */
  readonly byteLengths: Float64Array;
  readonly damages: readonly TfrecordDamage[];
}

/**
 * Reads a TFRecord file past its damages and tells which records are sound and exactly which bytes are lost. Where a
 * length is damaged it looks at every byte for the next length whose checksum is right and whose record is sound. A
 * length that is damaged takes no memory.
 *
 * @throws {@link FileError} if it cannot be read; {@link CorruptShardError} if it is made so that the search would not end
 * soon; the signal's reason when aborted.
 */
export async function recoverTfrecord(
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<TfrecordRecovery> {
  const source = await openRecords(path);
  try {
    const scan = new Recovery(source);
    while (scan.advance()) {
      options.signal?.throwIfAborted();
      await nextTurn();
    }
    return scan.result();
  } finally {
    source.close();
  }
}

class Recovery {
  readonly #window: ScanWindow;
  readonly #offsets = new NumberList();
  readonly #byteLengths = new NumberList();
  readonly #damages: TfrecordDamage[] = [];
  #position = 0;
  /** Where the damage that is searched from began; `undefined` while the records follow each other. */
  #lostFrom: number | undefined;
  #searchCost = 0;

  constructor(readonly source: ByteSource) {
    this.#window = new ScanWindow(source);
  }

  result(): TfrecordRecovery {
    return {
      bytes: this.source.size,
      offsets: this.#offsets.toArray(),
      byteLengths: this.#byteLengths.toArray(),
      damages: this.#damages,
    };
  }

  /** Goes on for a while; false at the end of the file. */
  advance(): boolean {
    const { size } = this.source;
    const stop = this.#position + TURN_BYTES;
    while (this.#position < size && this.#position < stop) this.#step();
    if (this.#position < size) return true;
    if (this.#lostFrom !== undefined) this.#lose("end", this.#lostFrom, size, undefined);
    this.#lostFrom = undefined;
    return false;
  }

  #step(): void {
    const at = this.#position;
    const length = this.#lengthAt(at);
    if (length === undefined) {
      this.#lostFrom ??= at;
      this.#position++;
      return;
    }
    const { isRight } = checkPayload(this.source, at + HEADER_BYTES, length);
    if (!isRight && this.#lostFrom !== undefined) {
      this.#pay(length);
      this.#position++;
      return;
    }
    if (this.#lostFrom !== undefined) this.#lose("length", this.#lostFrom, at, undefined);
    this.#lostFrom = undefined;
    this.#position = at + length + FRAME_BYTES;
    if (isRight) {
      this.#offsets.push(at + HEADER_BYTES);
      this.#byteLengths.push(length);
    } else this.#lose("payload", at, this.#position, 1);
  }

  /** The length of a record that begins at `at` and fits into the file. */
  #lengthAt(at: number): number | undefined {
    const left = this.source.size - at - FRAME_BYTES;
    if (left < 0) return undefined;
    const index = this.#window.ensure(at, HEADER_BYTES, "a length");
    // Most bytes are told apart from a length by the upper half of the number.
    if (this.#window.bytes.readUInt32LE(index + 4) * 2 ** 32 > left) return undefined;
    const length = decodeHeader(this.#window.bytes, index);
    return length === undefined || length > left ? undefined : length;
  }

  #pay(length: number): void {
    this.#searchCost += length;
    if (this.#searchCost <= SEARCH_COST * this.source.size) return;
    throw new CorruptShardError({
      file: this.source.path,
      byte: this.#position,
      problem: "has too many lengths that lead nowhere to find the next record",
      fix: "copy the file again",
    });
  }

  #lose(kind: TfrecordDamage["kind"], from: number, to: number, records: number | undefined): void {
    const last = this.#damages.at(-1);
    if (kind === "payload" && last?.kind === "payload" && last.to === from) {
      this.#damages[this.#damages.length - 1] = { ...last, to, records: (last.records ?? 0) + 1 };
      return;
    }
    this.#damages.push({ kind, from, to, recordsBefore: this.#offsets.length, records });
  }
}
