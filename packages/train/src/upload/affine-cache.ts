import type { PixelAffine } from "./host-tensor.js";

/** A small store of the one thing that uploads of a run have in common: made once, made anew when the affine changes. */
export class AffineCache<T> {
  readonly #create: (affine: PixelAffine | undefined, size: number) => T;
  readonly #drop: (old: T) => void;
  #key: string | undefined;
  #value: T | undefined;

  /**
   * @param create - Makes the value for an affine and a size (channels, or pixels of a row).
   * @param drop - Frees the value before.
   */
  constructor(create: (affine: PixelAffine | undefined, size: number) => T, drop: (old: T) => void = () => {}) {
    this.#create = create;
    this.#drop = drop;
  }

  /** The value for this affine and size. */
  get(affine: PixelAffine | undefined, size: number): T {
    const key = `${size};${affine?.scale.join() ?? ""};${affine?.shift.join() ?? ""}`;
    if (this.#value === undefined || this.#key !== key) {
      this.clear();
      this.#value = this.#create(affine, size);
      this.#key = key;
    }
    return this.#value;
  }

  /** Frees the value. */
  clear(): void {
    if (this.#value !== undefined) this.#drop(this.#value);
    this.#value = undefined;
    this.#key = undefined;
  }
}
