import type { KernelMemory } from "./memory.js";

/** A compiled module. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: "WebAssembly.Module";
}

/** A function that a module imports. */
export type WasmFunction = (...values: number[]) => number | undefined;

/** The part of the global `WebAssembly` that this package uses; TypeScript declares it only in its DOM library. */
export interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, KernelMemory | WasmFunction>>>>,
  ) => { readonly exports: unknown };
  validate(bytes: Uint8Array): boolean;
}

/** The machine's WebAssembly; every Node that millrace runs on has one. */
export function webAssembly(): WebAssemblyApi {
  return (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
}
