/** One sample at work, with what is known of it so far. Mutable; a worker has one for each place in a run. */
export interface Lane {
  /** Its place in the run, which is the number of its buffer for encoded bytes. */
  readonly place: number;
  slot: number;
  cell: number;
  epoch: number;
  /** Number of the sample in its split. */
  sample: number;
  /** What keys the transforms' randomness, beside seed and epoch. */
  draw: number;
  shard: number;
  /** Its row in the shard. */
  row: number;
  /** Bytes of each field's value. */
  readonly byteLengths: Float64Array;
  /** Where the raw image's pixels lie in the shared memory. */
  imageAt: number;
  /** Rows of the raw image that are there. */
  imageHeight: number;
  /** Columns of the raw image. */
  imageWidth: number;
  /** The image's encoded bytes. */
  encoded: Uint8Array | undefined;
  /** Where the decoder was told to put the pixels. */
  target: Uint8Array | undefined;
  /** Only what a crop needs of the image was read. */
  isCropped: boolean;
  isBad: boolean;
}

/** A lane that holds nothing yet. */
export function createLane(place: number, numFields: number): Lane {
  return {
    place,
    slot: 0,
    cell: 0,
    epoch: 0,
    sample: 0,
    draw: 0,
    shard: 0,
    row: 0,
    byteLengths: new Float64Array(numFields),
    imageAt: 0,
    imageHeight: 0,
    imageWidth: 0,
    encoded: undefined,
    target: undefined,
    isCropped: false,
    isBad: false,
  };
}
