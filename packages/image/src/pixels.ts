/** A decoded image: row-major, channels interleaved, `[height, width, channels]`, uint8 in sRGB. */
export interface Pixels {
  /** `width * height * channels` bytes. Owned by the receiver, unless it is a view into memory that the caller gave. */
  readonly data: Uint8Array;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 3: red, green, blue; 1: grey. */
  readonly channels: 1 | 3;
}
