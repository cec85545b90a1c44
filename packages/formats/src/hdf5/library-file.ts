import { UnsupportedError } from "../errors.js";
import type { Hdf5Library, NativeModule } from "./library.js";

/** Leaves the choice of the file's version to h5wasm. */
const DEFAULT_LIBVER = -1;

/** A file that is open for reading in the HDF5 library. Every call is guarded. */
export class LibraryFile {
  #id: bigint;

  constructor(
    readonly library: Hdf5Library,
    readonly path: string,
  ) {
    this.#id = this.#run("open the file", (module) =>
      module.open(path, module.H5F_ACC_RDONLY, false, DEFAULT_LIBVER, DEFAULT_LIBVER),
    );
  }

  /** Reads one row of a dataset, little-endian, into memory of its own. */
  readRow(path: string, shape: readonly number[], row: number, rowBytes: number): Uint8Array {
    return this.#transfer(`read row ${row} of the dataset ${path}`, rowBytes, (module, pointer) => {
      const count = shape.map((extent, axis) => BigInt(axis === 0 ? 1 : extent));
      const offset = shape.map((_, axis) => BigInt(axis === 0 ? row : 0));
      return module.get_dataset_data(
        this.#id,
        `/${path}`,
        count,
        offset,
        shape.map(() => 1n),
        BigInt(pointer),
      );
    });
  }

  /** Idempotent. */
  close(): void {
    if (this.#id < 0n) return;
    const id = this.#id;
    this.#id = -1n;
    this.#run("close the file", (module) => module.close_file(id));
  }

  #run<T>(action: string, body: (module: NativeModule) => T): T {
    return this.library.run({ file: this.path, action }, body);
  }

  /** Runs a call with memory of the library, and returns a copy of what is there afterwards. */
  #transfer(action: string, bytes: number, body: (module: NativeModule, pointer: number) => number): Uint8Array {
    const { module } = this.library;
    const pointer = this.#run("take memory", () => module._malloc(bytes));
    if (pointer === 0) {
      throw new UnsupportedError({
        file: this.path,
        problem: `cannot ${action}: the HDF5 library is out of memory`,
        found: `${bytes} bytes`,
        fix: "use smaller samples",
      });
    }
    try {
      this.#run(action, () => body(module, pointer));
      return module.HEAPU8.slice(pointer, pointer + bytes);
    } finally {
      module._free(pointer);
    }
  }
}
