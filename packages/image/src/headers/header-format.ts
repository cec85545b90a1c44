import type { ByteReader } from "./byte-reader.js";

/** Columns and rows as they are stored, before any orientation is applied. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** How one encoding is recognised and measured, without decoding. */
export interface HeaderFormat {
  /** How files of this encoding begin, in Latin-1; `?` stands for any byte. */
  readonly signatures: readonly string[];
  /**
   * The size that the header announces. Takes time at most linear in the number of bytes.
   * @throws ImageError of reason truncated, corrupt or unsupported.
   */
  size(reader: ByteReader): ImageSize;
  /** False if the file's own lengths say that bytes are missing at its end. Encodings without such lengths leave it out. */
  isWhole?(reader: ByteReader): boolean;
}
