// Where things lie in the module's own memory. The driver (src/jpeg/wasm/wasm.ts) knows the same numbers.

/** Huffman tables as DHT has them: 16 counts, then up to 256 symbols; 8 tables, DC 0 to 3, then AC 0 to 3.
 * The 9th is the one to encode by that is about to be built. */
export const SPECS: usize = 1024;
export const SPEC_BYTES: usize = 288;
/** By the next 12 bits, uint32: (table << 8 | symbol) << 16 | advance << 8 | bits of code and extra; 0: longer code. */
export const LOOKUPS: usize = 4096;
export const LOOKUP_BYTES: usize = 16384;
/** The same for one or two AC codes at once, uint16: advance << 8 | bits. */
export const PAIRS: usize = 135168;
export const PAIR_BYTES: usize = 8192;
/** Of each table, for each length from 0 to 16: first 16-bit word that no code so long or shorter begins, uint32; then
 * index of its first symbol minus its first code, int32. */
export const LIMITS: usize = 167936;
export const LIMIT_BYTES: usize = 136;
/** Code << 8 | bits of the code and the extra bits, uint32, by table << 8 | symbol. */
export const CODES: usize = 169984;
/** How often each occurs, uint32; twice, for tokens at odd and at even places, as adding to the same count again and again
 * waits for the store before. The driver adds them up. */
export const HISTOGRAM: usize = 178176;
/** The blocks of an MCU, 4 bytes each: component, DC table, AC table, 0. */
export const BLOCKS: usize = 194560;
/** Of each component 16 bytes: DC value before in the source, in the output, whether it begins anew. */
export const STATES: usize = 194688;
/** Of each component 32 bytes, see `coefficients.ts`. */
export const PLANES: usize = 194816;
