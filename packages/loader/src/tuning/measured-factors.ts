/** How samples lie in storage: JPEGs as they came, JPEGs with restart segments, or pixels. */
export type StoredAs = "jpeg" | "seekable" | "raw";

/** What the same data would cost if they were stored in another way: factors that were measured on photographs. */
export interface DataChange {
  readonly name: string;
  readonly from: StoredAs;
  /** Bytes of a sample, times what they are. */
  readonly bytesFactor: number;
  /** CPU time of a worker for a sample, times what it is. */
  readonly prepFactor: number;
}

/**
 * From docs/loader-speed.md: `CPU us an image` of jpeg-train/f32 and rawfull-rrc/f32, two workers that make random crops of
 * 224 x 224, JPEG 2007.5, seekable 1192.3, pixels 221.5; and the table of smaller images. Bytes of shards of these 3,000
 * photographs, 480 x 404 on average: JPEG 321.2 MB, seekable 317.1 MB, pixels 1752.9 MB.
 */
export const DATA_CHANGES: readonly DataChange[] = [
  { name: "JPEG -> seekable JPEG (mode seekable)", from: "jpeg", bytesFactor: 0.99, prepFactor: 0.59 },
  { name: "JPEG -> pixels (mode raw)", from: "jpeg", bytesFactor: 5.46, prepFactor: 0.11 },
  { name: "seekable JPEG -> pixels (mode raw)", from: "seekable", bytesFactor: 5.53, prepFactor: 0.19 },
  { name: "images of half the side (fewer details)", from: "jpeg", bytesFactor: 0.22, prepFactor: 0.3 },
];

/**
 * Memory that a worker takes beside the ring. docs/loader-speed.md, `MiB`: of JPEG 379 with two workers, 263 with one, of
 * which 73 are the two slots that two workers have more; a worker of pixels takes half of that.
 */
export const WORKER_BYTES: number = 64 * 2 ** 20;
