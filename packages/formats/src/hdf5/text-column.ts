import { MAX_TEXT_BYTES } from "./layout.js";
import type { Spool } from "./spool.js";

/** How much of padded strings is made at once. */
const PADDED_BYTES = 2 ** 20;

/** Watches the strings of a field to see at which fixed length they can be stored. */
export class TextLengths {
  #longest = 1;
  #endsInZero = false;

  add(text: Uint8Array): void {
    this.#longest = Math.max(this.#longest, text.length);
    this.#endsInZero ||= text.at(-1) === 0;
  }

  /** Bytes of each string; `undefined` where a fixed length would lose or waste something. */
  get fixed(): number | undefined {
    return this.#endsInZero || this.#longest > MAX_TEXT_BYTES ? undefined : this.#longest;
  }
}

/**
 * The strings of `data`, each with zeros after it, in rows of `rowBytes`. `offsets` holds an int64 for each, where it
 * begins, and one more.
 */
export function* padded(data: Spool, offsets: Spool, rowBytes: number): Generator<Uint8Array> {
  const bytes = new PieceReader(data.pieces());
  const places = new PieceReader(offsets.pieces());
  const next = (): number => Number(Buffer.from(places.take(8)).readBigInt64LE());
  const rows = Math.max(1, Math.floor(PADDED_BYTES / rowBytes));
  let left = offsets.byteLength / 8 - 1;
  for (let previous = next(); left > 0;) {
    const piece = new Uint8Array(Math.min(rows, left) * rowBytes);
    for (let at = 0; at < piece.length; at += rowBytes, left--) {
      const end = next();
      piece.set(bytes.take(end - previous), at);
      previous = end;
    }
    yield piece;
  }
}

/** Takes any number of bytes from a sequence of pieces. */
class PieceReader {
  readonly #pieces: Iterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]();
  }

  take(length: number): Uint8Array {
    const taken = new Uint8Array(length);
    for (let done = 0; done < length;) {
      if (this.#piece.length === 0) this.#piece = this.#pieces.next().value as Uint8Array;
      const part = this.#piece.subarray(0, length - done);
      taken.set(part, done);
      done += part.length;
      this.#piece = this.#piece.subarray(part.length);
    }
    return taken;
  }
}
