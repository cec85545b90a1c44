import { imageError, type ImagePlace, type RejectReason } from "../image-error.js";

/** Reads numbers from an image's bytes, each read checked against their end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #place: ImagePlace;

  constructor(bytes: Uint8Array, place: ImagePlace) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#place = place;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Throws an ImageError about the image. */
  fail(reason: RejectReason, problem: string, byte?: number): never {
    throw imageError(reason, this.#place, { problem, byte });
  }

  #need(at: number, count: number): void {
    if (at + count > this.length) this.fail("truncated", `ends in its header, after ${this.length} bytes`);
  }

  u8(at: number): number {
    this.#need(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number, littleEndian = false): number {
    this.#need(at, 2);
    return this.#view.getUint16(at, littleEndian);
  }

  u32(at: number, littleEndian = false): number {
    this.#need(at, 4);
    return this.#view.getUint32(at, littleEndian);
  }

  i32(at: number, littleEndian = false): number {
    this.#need(at, 4);
    return this.#view.getInt32(at, littleEndian);
  }

  /** Three bytes, least significant first. */
  u24le(at: number): number {
    return this.u16(at, true) + this.u8(at + 2) * 65_536;
  }

  /** Four bytes as Latin-1 text. */
  tag(at: number): string {
    this.#need(at, 4);
    return String.fromCharCode(...this.bytes.subarray(at, at + 4));
  }
}

/**
 * How far `bytes` fit a signature in Latin-1 in which `?` is any byte: wholly; as far as they go, which is less than
 * the signature, but with at least one byte that is not `?`; not.
 */
export function fit(bytes: Uint8Array, signature: string): "whole" | "start" | "not" {
  let fixed = 0;
  for (let i = 0; i < signature.length && i < bytes.length; i++) {
    if (signature[i] === "?") continue;
    if (bytes[i] !== signature.charCodeAt(i)) return "not";
    fixed++;
  }
  if (bytes.length >= signature.length) return "whole";
  return fixed > 0 ? "start" : "not";
}
