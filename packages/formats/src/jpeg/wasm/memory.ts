import { readFileSync } from "node:fs";

/** A module's memory, of its own. (A type of our own, because TypeScript declares `WebAssembly` only in its DOM library.) */
export interface OwnMemory {
  /** The bytes. After the memory has grown it is another object: do not keep it. */
  readonly buffer: ArrayBuffer;
  /** Grows by pages of 64 KiB; throws a RangeError if there is no more. */
  grow(pages: number): number;
}

/** What kernels/index.ts exports; addresses are byte offsets in the memory. */
export interface Transcoder {
  readonly memory: OwnMemory;
  buildLookup(slot: number, kind: number, pairs: number): void;
  buildCodes(slot: number): void;
  decodeDirect(
    segments: number,
    count: number,
    mcus: number,
    perSegment: number,
    interval: number,
    blocks: number,
    top: number,
    lengths: number,
    tokens: number,
  ): number;
  rewrite(
    segments: number,
    count: number,
    mcus: number,
    perSegment: number,
    interval: number,
    blocks: number,
    top: number,
    lengths: number,
    outputSegments: number,
    to: number,
  ): number;
  decodeScan(
    segments: number,
    count: number,
    mcus: number,
    perSegment: number,
    mcusPerRow: number,
    parts: number,
    top: number,
    kind: number,
    first: number,
    last: number,
    low: number,
  ): number;
  tokensOf(
    components: number,
    mcusPerRow: number,
    mcuRows: number,
    interval: number,
    lengths: number,
    tokens: number,
  ): number;
  tokensEnd(): number;
  encode(tokens: number, lengths: number, segments: number, to: number): number;
}

interface WasmModule {
  readonly [Symbol.toStringTag]: "WebAssembly.Module";
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
  validate(bytes: Uint8Array): boolean;
}

let module: WasmModule | undefined;

/** A new instance, or `undefined` where the machine has no WebAssembly SIMD. */
export function newTranscoder(): Transcoder | undefined {
  const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
  if (module === undefined) {
    // From dist/jpeg/wasm/ as from src/jpeg/wasm/: the package ships both folders.
    const bytes = readFileSync(new URL("../../../src/jpeg/wasm/transcoder.wasm", import.meta.url));
    if (!wasm.validate(bytes)) return undefined;
    module = new wasm.Module(bytes);
  }
  return new wasm.Instance(module).exports as Transcoder;
}
