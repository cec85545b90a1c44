import { readFileSync } from "node:fs";
import { webAssembly, type WasmModule } from "./web-assembly.js";
import type { KernelMemory } from "./memory.js";

/** What kernels/index.ts exports; addresses are byte offsets in the memory, flags are 0 or 1. */
export interface KernelExports {
  resample(
    source: number,
    sourceStride: number,
    rowBytes: number,
    channels: number,
    rowStarts: number,
    rowCounts: number,
    rowWeights: number,
    rowWeightBytes: number,
    columnStarts: number,
    columnWeights: number,
    columnWeightBytes: number,
    taps: number,
    line: number,
    row: number,
    output: number,
    width: number,
    height: number,
    flipVertical: number,
    element: number,
    planar: number,
    factors: number,
  ): void;
  convert(
    source: number,
    sourceStride: number,
    channels: number,
    output: number,
    width: number,
    height: number,
    flip: number,
    flipVertical: number,
    element: number,
    planar: number,
    factors: number,
    padded: number,
    fill: number,
    fillLeft: number,
    fillTop: number,
    innerBytes: number,
    innerHeight: number,
  ): void;
  blendRun(at: number, length: number, ratio: number, other: number, block: number): void;
  saturateRun(at: number, pixels: number, ratio: number, rest: number, block: number): void;
  turnRun(at: number, pixels: number, shift: number, block: number): void;
  greyRun(at: number, pixels: number, block: number): void;
  sumGreyRun(at: number, pixels: number, block: number): number;
  sumRun(at: number, length: number): number;
}

const modules = new Map<string, WasmModule | undefined>();

/** The module for that kind of memory, or `undefined` where the machine has no WebAssembly SIMD. */
function loadModule(shared: boolean): WasmModule | undefined {
  const file = shared ? "kernels-shared.wasm" : "kernels.wasm";
  if (!modules.has(file)) {
    // From dist/kernels/ as from src/kernels/: the package ships both folders.
    const wasm = webAssembly();
    const bytes = readFileSync(new URL(`../../src/kernels/${file}`, import.meta.url));
    modules.set(file, wasm.validate(bytes) ? new wasm.Module(bytes) : undefined);
  }
  return modules.get(file);
}

/** An instance of the kernels on `memory`, or `undefined` where the machine has no WebAssembly SIMD. */
export function instantiateKernels(memory: KernelMemory): KernelExports | undefined {
  const module = loadModule(memory.buffer instanceof SharedArrayBuffer);
  if (module === undefined) return undefined;
  return new (webAssembly().Instance)(module, { env: { memory } }).exports as KernelExports;
}
