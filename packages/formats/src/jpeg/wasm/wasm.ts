import type { EntropyCoder } from "../entropy-coder.js";

/** The coder in WebAssembly. */
export function wasmCoder(): EntropyCoder | undefined {
  return undefined;
}
