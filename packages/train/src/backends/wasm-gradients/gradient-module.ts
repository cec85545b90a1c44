import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BackendError, fileError } from "@millrace/formats";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";

/**
 * The functions of `kernels/gradients.ts`. Arguments are byte addresses in the backend's memory, then sizes in elements,
 * in the order that the kernel's source gives.
 */
export interface GradientModule {
  convFilterGradient(x: number, dy: number, dw: number, scratch: number, ...sizes: number[]): void;
  convInputGradient(dy: number, w: number, dx: number, panels: number, scratch: number, ...sizes: number[]): void;
  maxPoolGradient(x: number, y: number, dy: number, dx: number, ...sizes: number[]): void;
  depthwiseFilterGradient(x: number, dy: number, dw: number, ...sizes: number[]): void;
  depthwiseInputGradient(dy: number, w: number, dx: number, ...sizes: number[]): void;
  columnSums(x: number, sums: number, rows: number, columns: number, scale: number): void;
}

interface WasmModule {
  readonly exports?: never;
}

/** The part of the global that is used here; TypeScript ships its declaration with the browser's library only. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
};

const BINARY = new URL("../../../src/backends/wasm-gradients/gradients.wasm", import.meta.url);

const instances = new WeakMap<BackendWasm, GradientModule>();
let compiled: WasmModule | undefined;

function compile(): WasmModule {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(readFileSync(BINARY));
  } catch (cause) {
    throw fileError(fileURLToPath(BINARY), "read the gradient kernels", cause);
  }
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new BackendError({
      problem: "this machine's WebAssembly has no SIMD, which the gradient kernels need",
      cause,
    });
  }
}

/**
 * The gradient kernels, instantiated once a backend on that backend's own memory, so that they read and write its
 * tensors in place.
 * @throws {@link BackendError} if this build of the backend does not show its memory, or without SIMD.
 */
export function gradientModule(backend: BackendWasm): GradientModule {
  const known = instances.get(backend);
  if (known !== undefined) return known;
  const memory = (backend.wasm as { asm?: { memory?: unknown } }).asm?.memory;
  if (!(memory instanceof WebAssembly.Memory)) {
    throw new BackendError({
      problem: "the wasm backend of TensorFlow.js does not show its memory, so its gradient kernels cannot be added",
      expected: "@tensorflow/tfjs-backend-wasm 4.22.0",
      fix: "install that version",
    });
  }
  compiled ??= compile();
  const created = new WebAssembly.Instance(compiled, { env: { memory } }).exports as GradientModule;
  instances.set(backend, created);
  return created;
}
