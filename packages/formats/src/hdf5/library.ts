import { CorruptShardError, fileError, isMillraceError, UnsupportedError } from "../errors.js";

/** The functions of h5wasm's WebAssembly module that millrace calls. All are synchronous. */
export interface NativeModule {
  readonly H5F_ACC_RDONLY: number;
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  open(path: string, mode: number, trackOrder: boolean, libverLow: number, libverHigh: number): bigint;
  close_file(file: bigint): number;
  get_dataset_data(
    file: bigint,
    path: string,
    count: readonly bigint[],
    offset: readonly bigint[],
    stride: readonly bigint[],
    pointer: bigint,
  ): number;
}

/** What a call does, for its error. */
export interface LibraryCall {
  /** Path of the file that is read. */
  readonly file: string;
  /** As in "cannot ...": `read row 3 of the dataset image`. */
  readonly action: string;
}

/** The C library's texts of the system errors that have a way out of their own. */
const SYSTEM_ERRORS: ReadonlyMap<string, string> = new Map([
  ["No such file or directory", "ENOENT"],
  ["Permission denied", "EACCES"],
  ["Operation not permitted", "EPERM"],
  ["No file descriptors available", "EMFILE"],
]);

/**
 * The HDF5 library (h5wasm), which complains on its standard error and reports success: a damaged chunk gives
 * whatever is in memory, as if nothing had happened. millrace only reads with it, what its own parsers do not. So every call goes through {@link run}, which
 * listens to the complaints and makes them errors.
 */
export class Hdf5Library {
  #complaints = "";
  #stopped: unknown;

  constructor(
    readonly module: NativeModule,
    /** Hands over the library's standard error. */
    capture: (sink: (text: string) => void) => void,
  ) {
    capture((text) => (this.#complaints += text));
  }

  /**
   * Runs calls of the module.
   * @throws FileError, CorruptShardError or UnsupportedError with the innermost message of HDF5 if the library
   *   complained, returned a negative number, or stopped.
   */
  run<T>(call: LibraryCall, body: (module: NativeModule) => T): T {
    this.#complaints = "";
    if (this.#stopped !== undefined) throw failure(call, "the HDF5 library has stopped in this thread", this.#stopped);
    let result: T;
    try {
      result = body(this.module);
    } catch (error) {
      if (isMillraceError(error)) throw error;
      if (error instanceof Error && error.name === "RuntimeError") this.#stopped = error;
      throw failure(call, innermost(this.#complaints) ?? String(error), error);
    }
    if (this.#complaints.includes("HDF5-DIAG:"))
      throw failure(call, innermost(this.#complaints) ?? "the HDF5 library complained");
    if ((typeof result === "number" || typeof result === "bigint") && result < 0)
      throw failure(call, "the HDF5 library gave no reason");
    return result;
  }
}

/**
 * The message of the last entry of a stack of HDF5's errors, which is the cause of the others. An entry is
 * `  #007: H5FDsec2.c line 288 in H5FD__sec2_write(): message`, and its message may have several lines.
 */
function innermost(complaint: string): string | undefined {
  const entries = [...complaint.matchAll(/^ +#\d+: .*? line \d+ in \w+\(\): (.*?)\n {4}major:/gmsu)];
  return entries.at(-1)?.[1];
}

function failure(call: LibraryCall, message: string, cause?: unknown): Error {
  const system = /error message = '([^']*)'/u.exec(message)?.[1];
  const code = SYSTEM_ERRORS.get(system ?? "");
  if (code !== undefined) return fileError(call.file, call.action, Object.assign(new Error(message), { code }));
  const detail = { file: call.file, problem: `cannot ${call.action}: ${system ?? message}`, cause };
  if (/filter .* (?:is not registered|not available|not registered)/u.test(message))
    return new UnsupportedError({ ...detail, fix: "write it again without that filter, or with gzip" });
  return new CorruptShardError({ ...detail, fix: "copy the file again, or repeat the conversion" });
}

interface Stream {
  node: unknown;
  flags: number;
  stream_ops: unknown;
}

let opening: Promise<Hdf5Library> | undefined;

/**
 * The library of this thread. It is imported at the first call, which costs about half a second and 32 MiB; readers of
 * millrace's own files never call.
 */
export async function openLibrary(): Promise<Hdf5Library> {
  opening ??= load();
  return await opening;
}

async function load(): Promise<Hdf5Library> {
  const h5wasm = await import("h5wasm/node");
  const module = (await h5wasm.ready) as unknown as NativeModule;
  const stream = (h5wasm.FS as unknown as { getStream(fd: number): Stream }).getStream(2);
  return new Hdf5Library(module, (sink) => {
    stream.node = { mode: 0o020666 };
    stream.flags = 1;
    stream.stream_ops = {
      write: (_: unknown, bytes: Uint8Array, offset: number, length: number): number => {
        sink(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString("latin1"));
        return length;
      },
    };
  });
}
