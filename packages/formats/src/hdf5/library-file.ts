import type { Dtype } from "../dtype.js";
import { dtypeBytes } from "../dtype.js";
import { FileError } from "../errors.js";
import type { Hdf5Library, LibraryCall, NativeModule, NativeType } from "./library.js";

/** Numbers of `H5T_class_t`. */
const INTEGER = 0;
const FLOAT = 1;
const STRING = 3;
/** Leaves the choice of the file's version to h5wasm: superblock 2, object headers with checksums. */
const DEFAULT_LIBVER = -1;
/** What HDF5 says when a dataset is created without data; the dataset is there. */
const NO_DATA = "no input buffer";

/** The element type of a dataset to be created. */
export type NewElement =
  | { readonly kind: "number"; readonly dtype: Exclude<Dtype, "float16"> }
  | { readonly kind: "text"; readonly bytes: number };

/** A file that is open in the HDF5 library. Every call is guarded; after a failure, close it. */
export class LibraryFile {
  #id: bigint;

  /** `create` empties the file at `path`, which may exist. */
  constructor(
    readonly library: Hdf5Library,
    readonly path: string,
    readonly mode: "read" | "create" | "add",
  ) {
    this.#id = this.#run("open the file", (module) => {
      const modes = { read: module.H5F_ACC_RDONLY, create: module.H5F_ACC_TRUNC, add: module.H5F_ACC_RDWR };
      return module.open(path, modes[mode], false, DEFAULT_LIBVER, DEFAULT_LIBVER);
    });
  }

  createGroup(path: string): void {
    this.#run(`create the group ${path}`, (module) => module.create_group(this.#id, `/${path}`, false));
  }

  /** Creates a contiguous dataset and makes room for it in the file; what it holds is not defined, mostly zeros. */
  createDataset(path: string, element: NewElement, shape: readonly number[]): void {
    const type = nativeType(element, shape);
    const create = (module: NativeModule): number => module.create_dataset(this.#id, `/${path}`, 0n, type);
    this.#run(`create the dataset ${path}`, create, NO_DATA);
    if (shape.includes(0)) return;
    // The first element written makes the library take the room of all.
    this.#transfer(`make room for the dataset ${path}`, type.size, (module, pointer) => {
      module.HEAPU8.fill(0, pointer, pointer + type.size);
      const ones = shape.map(() => 1n);
      return module.set_dataset_data(
        this.#id,
        `/${path}`,
        ones,
        shape.map(() => 0n),
        ones,
        BigInt(pointer),
      );
    });
  }

  /** Gives the root a text, as a variable-length UTF-8 string, which h5py returns as `str`. */
  createAttribute(name: string, text: string): void {
    const type = { ...nativeType({ kind: "text", bytes: 4 }, []), vlen: true };
    this.#run(`create the attribute ${name}`, (module) =>
      module.create_vlen_str_attribute(this.#id, "/", name, [text], type),
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

  /** Writes what the library still holds, and closes. Idempotent. */
  close(): void {
    if (this.#id < 0n) return;
    const id = this.#id;
    this.#id = -1n;
    this.#run("close the file", (module) => module.close_file(id));
  }

  #run<T>(action: string, body: (module: NativeModule) => T, expected?: string): T {
    const call: LibraryCall = { file: this.path, action, writes: this.mode !== "read" };
    return this.library.run(expected === undefined ? call : { ...call, expected }, body);
  }

  /** Runs a call with memory of the library, and returns a copy of what is there afterwards. */
  #transfer(action: string, bytes: number, body: (module: NativeModule, pointer: number) => number): Uint8Array {
    const { module } = this.library;
    const pointer = this.#run("take memory", () => module._malloc(bytes));
    if (pointer === 0) {
      throw new FileError({
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

function nativeType(element: NewElement, shape: readonly number[]): NativeType {
  const extents = shape.map(BigInt);
  const kind =
    element.kind === "text"
      ? { type: STRING, size: element.bytes, signed: false, cset: 1 }
      : {
          type: element.dtype.startsWith("float") ? FLOAT : INTEGER,
          size: dtypeBytes(element.dtype),
          signed: element.dtype.startsWith("int"),
        };
  return {
    ...kind,
    vlen: false,
    littleEndian: true,
    shape: extents,
    maxshape: extents,
    chunks: null,
    compression: 0,
    compression_opts: [],
    track_order: false,
  };
}
