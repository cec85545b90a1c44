import type { Rows } from "./rows.js";

/** Rows that were never written: every element is the fill value. */
export class FillRows implements Rows {
  readonly extents: undefined;

  constructor(
    readonly length: number,
    readonly rowBytes: number,
    readonly fill: Buffer | undefined,
  ) {}

  read(): Uint8Array {
    return filled(this.rowBytes, this.fill);
  }
}

/** New memory full of the fill value, or of zeros. */
export function filled(bytes: number, fill: Buffer | undefined): Uint8Array {
  const target = new Uint8Array(bytes);
  if (fill === undefined) return target;
  target.set(fill);
  for (let done = fill.length; done < bytes; done *= 2) target.copyWithin(done, 0, Math.min(done, bytes - done));
  return target;
}
