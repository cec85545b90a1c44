// Entry points of the transcoder of seekable JPEG. The module has a memory of its own; what lies where is up to the
// caller but for the tables of `layout.ts`.

export { decodeScan } from "./coefficients";
export { tokensOf } from "./coefficient-tokens";
export { decodeDirect } from "./direct";
export { rewrite } from "./rewrite";
export { buildCodes, buildLookup } from "./tables";
export { encode, tokensEnd } from "./tokens";
