/** A file of a wheel that is wanted; everything else in it is never looked at. */
export interface WheelMember {
  /** Its name in the wheel. */
  readonly from: string;
  /** Its path in the release's folder. */
  readonly to: string;
  /** Its size, unpacked. */
  readonly bytes: number;
  readonly isExecutable?: boolean;
}

/** A Python wheel (a zip file), pinned to the byte. */
export interface PinnedWheel {
  /** The package's name on the index. */
  readonly project: string;
  readonly version: string;
  readonly file: string;
  /** Of the whole file, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
  readonly members: readonly WheelMember[];
}

/** TensorFlow's C library in one version and make, and all that it needs beside it. */
export interface TensorflowRelease {
  /** Also the name of its folder in the cache: `tensorflow-2.15.1`. */
  readonly name: string;
  readonly version: string;
  readonly isCuda: boolean;
  readonly wheels: readonly PinnedWheel[];
}

/** Bytes that a release has once it is unpacked. */
export function unpackedBytes(release: TensorflowRelease): number {
  return release.wheels.flatMap(({ members }) => members).reduce((sum, { bytes }) => sum + bytes, 0);
}
