import { WireType } from "@bufbuild/protobuf/wire";
import type { ByteSource } from "../byte-source.js";
import { CorruptShardError } from "../errors.js";
import { ScanWindow } from "../scan-window.js";

/** A varint has at most this many bytes. */
const VARINT_BYTES = 10;

/** By their number. */
const WIRE_TYPES: readonly WireType[] = [
  WireType.Varint,
  WireType.Bit64,
  WireType.LengthDelimited,
  WireType.StartGroup,
  WireType.EndGroup,
  WireType.Bit32,
];

/**
 * Walks over the fields of protobuf messages in a file without reading the values that it passes
 * (https://protobuf.dev/programming-guides/encoding). It only moves forward inside of a message, so every walk ends.
 */
export class WireCursor {
  /** Where it stands in the source. */
  position = 0;
  /** First byte after the message that it walks. */
  end = 0;
  /** Number of the record, for the error's text. */
  row = 0;
  /** Of the field whose tag was read last. */
  fieldNumber = 0;
  /** Of the field whose tag was read last. */
  wireType: WireType = WireType.Varint;
  readonly #window: ScanWindow;

  /** `capacity`: bytes that are kept in memory, and the most that is read ahead. */
  constructor(
    readonly source: ByteSource,
    capacity?: number,
  ) {
    this.#window = new ScanWindow(source, capacity);
  }

  /** Goes to the first byte of a message. */
  enter(position: number, end: number): void {
    this.position = position;
    this.end = end;
  }

  /**
   * Reads the tag of the next field; false at the end of the message.
   * @throws CorruptShardError if there is none.
   */
  next(): boolean {
    if (this.position >= this.end) return false;
    const tag = this.varint();
    this.fieldNumber = Math.floor(tag / 8);
    const wireType = WIRE_TYPES[tag % 8];
    if (wireType === undefined || this.fieldNumber < 1 || tag >= 2 ** 32) throw this.corrupt("has an impossible tag");
    this.wireType = wireType;
    return true;
  }

  /** True if the tag that was read last is that of a message, a text or a run of bytes with this number. */
  holds(fieldNumber: number): boolean {
    return this.fieldNumber === fieldNumber && this.wireType === WireType.LengthDelimited;
  }

  /** Reads the length of the value; it ends inside of the message. */
  length(): number {
    const length = this.varint();
    if (length > this.end - this.position) throw this.corrupt("has a value that passes its end");
    return length;
  }

  /** Passes the value of the field whose tag was read last. */
  skip(): void {
    switch (this.wireType) {
      case WireType.Varint:
        this.varint();
        return;
      case WireType.Bit64:
        this.position += 8;
        break;
      case WireType.Bit32:
        this.position += 4;
        break;
      case WireType.LengthDelimited: {
        const length = this.length();
        this.position += length;
        break;
      }
      default:
        throw this.corrupt("has a group");
    }
    if (this.position > this.end) throw this.corrupt("has a value that passes its end");
  }

  /** Reads a text of `length` bytes, at most 64 KiB. */
  text(length: number): string {
    const at = this.#window.ensure(this.position, length, "a text");
    this.position += length;
    return this.#window.bytes.toString("utf8", at, at + length);
  }

  /** Reads an unsigned varint; not exact past 2^53. */
  varint(): number {
    const left = Math.min(VARINT_BYTES, this.end - this.position);
    const at = this.#window.ensure(this.position, Math.max(0, left), "a number");
    const { bytes } = this.#window;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < left; i++, scale *= 128) {
      const byte = bytes[at + i] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.position += i + 1;
        return value;
      }
    }
    throw this.corrupt("has a number without end");
  }

  /** The error for this place. */
  corrupt(problem: string): CorruptShardError {
    return new CorruptShardError({
      file: this.source.path,
      sample: this.row,
      byte: this.position,
      problem: `the record ${problem}, so it is no tf.train.Example`,
      fix: "copy the file again; the records have to be tf.train.Example",
    });
  }
}
