import { readFileSync } from "node:fs";
import { join } from "node:path";
import { webAssembly, type WasmModule } from "../kernels/web-assembly.js";
import type { JpegDecode } from "./jpeg-decode.js";
import type { LoadedDecoder } from "./loaded-decoder.js";
import { findPackage } from "./package.js";

/** What is used of the module's exports: TurboJPEG 2 on a memory of its own. */
interface TurboExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly malloc: (byteLength: number) => number;
  readonly free: (at: number) => void;
  readonly tjInitDecompress: () => number;
  readonly tjDestroy: (handle: number) => number;
  readonly tjDecompressHeader3: (
    handle: number,
    bytes: number,
    byteLength: number,
    width: number,
    height: number,
    subsampling: number,
    colourspace: number,
  ) => number;
  readonly tjDecompress2: (
    handle: number,
    bytes: number,
    byteLength: number,
    target: number,
    width: number,
    pitch: number,
    height: number,
    format: number,
    flags: number,
  ) => number;
}

const PACKAGE = "@cwasm/jpeg-turbo";
/** `TJPF_RGB`, `TJPF_GRAY` and `TJFLAG_FASTDCT` of turbojpeg.h. */
const [FORMAT_RGB, FORMAT_GREY, FAST_DCT] = [0, 6, 2048];
/** An instance whose memory has grown above this is not kept: memory cannot shrink. */
const MAX_KEPT_BYTES = 2 ** 26;

/** An instance of the module cannot go on after this: its stack was not unwound. */
class Jump extends Error {}

function jump(): never {
  throw new Jump();
}

const IMPORTS = {
  env: { setjmp: () => 0, longjmp: jump },
  wasi_snapshot_preview1: {
    environ_sizes_get: () => 0,
    environ_get: jump,
    proc_exit: jump,
    fd_close: jump,
    fd_seek: jump,
    fd_write: jump,
  },
};

/**
 * One instance, with two buffers that are used again for each image. Each image has a handle of its own, as a handle
 * keeps the tables of the last image, and would decode one that lacks its tables by those.
 */
class Instance {
  readonly #exports: TurboExports;
  readonly #size: number;
  #input = { at: 0, byteLength: 0 };
  #output = { at: 0, byteLength: 0 };

  constructor(module: WasmModule) {
    const { exports } = new (webAssembly().Instance)(module, IMPORTS);
    this.#exports = exports as TurboExports;
    this.#size = this.#exports.malloc(16);
    if (this.#size === 0) jump();
  }

  get byteLength(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  #room(old: { at: number; byteLength: number }, byteLength: number): { at: number; byteLength: number } {
    if (old.byteLength >= byteLength) return old;
    if (old.at !== 0) this.#exports.free(old.at);
    const at = this.#exports.malloc(byteLength);
    if (at === 0) jump();
    return { at, byteLength };
  }

  readonly decode: JpegDecode = (bytes, target, width, height, channels) => {
    const { tjInitDecompress, tjDestroy, memory } = this.#exports;
    const byteLength = width * height * channels;
    this.#input = this.#room(this.#input, bytes.length);
    this.#output = this.#room(this.#output, byteLength);
    new Uint8Array(memory.buffer, this.#input.at, bytes.length).set(bytes);
    const handle = tjInitDecompress();
    if (handle === 0) jump();
    const isDone = this.#decompress(handle, bytes.length, width, height, channels);
    tjDestroy(handle);
    if (isDone) target.set(new Uint8Array(memory.buffer, this.#output.at, byteLength));
    return isDone;
  };

  #decompress(handle: number, length: number, width: number, height: number, channels: 1 | 3): boolean {
    const { tjDecompressHeader3, tjDecompress2, memory } = this.#exports;
    const [input, output, size] = [this.#input.at, this.#output.at, this.#size];
    if (tjDecompressHeader3(handle, input, length, size, size + 4, size + 8, size + 12) !== 0) return false;
    const found = new Int32Array(memory.buffer, size, 2);
    if (found[0] !== width || found[1] !== height) return false;
    const format = channels === 3 ? FORMAT_RGB : FORMAT_GREY;
    return tjDecompress2(handle, input, length, output, width, 0, height, format, FAST_DCT) === 0;
  }
}

/**
 * Decodes by libjpeg-turbo in WebAssembly, with the fast DCT, in the module's own memory. On x64 its pixels are those
 * of the native code. The first failure of any kind ends the instance; the next image gets a new one.
 */
function createDecode(module: WasmModule): JpegDecode {
  let instance: Instance | undefined = new Instance(module);
  return (bytes, target, width, height, channels) => {
    let isDone = false;
    // Whether there is memory enough must not depend on the images before.
    if (bytes.length + width * height * channels > MAX_KEPT_BYTES) instance = undefined;
    try {
      instance ??= new Instance(module);
      isDone = instance.decode(bytes, target, width, height, channels);
    } catch {
      // A jump out of libjpeg-turbo, or a trap.
    }
    if (!isDone || (instance?.byteLength ?? 0) > MAX_KEPT_BYTES) instance = undefined;
    return isDone;
  };
}

/** Compiles the module, if it is there. */
export function loadWasm(): LoadedDecoder {
  const found = findPackage(PACKAGE);
  if (found === undefined) return { library: PACKAGE, problem: "is not installed", decode: undefined };
  const library = `${PACKAGE} ${found.version}`;
  try {
    const module = new (webAssembly().Module)(readFileSync(join(found.folder, "jpeg-turbo.wasm")));
    return { library, problem: undefined, decode: createDecode(module) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { library, problem: `does not load: ${reason.split("\n", 1)[0]}`, decode: undefined };
  }
}
