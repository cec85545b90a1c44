import type { EntropyCoder, EntropyData, EntropyJob, TableSet } from "../entropy-coder.js";
import { decodeCoefficients } from "./coefficients.js";
import { tokensOf } from "./coefficient-tokens.js";
import { decodeDirect } from "./direct.js";
import { Tokens } from "./tokens.js";

/** The coder in TypeScript: the fallback where there is no WebAssembly SIMD, and the twin that checks the other. */
export function plainCoder(): EntropyCoder {
  let tokens = new Tokens();
  const decode = (job: EntropyJob): Uint32Array | undefined => {
    tokens = new Tokens();
    if (job.direct) return decodeDirect(job, tokens) ? tokens.histogram : undefined;
    const planes = decodeCoefficients(job);
    return planes !== undefined && tokensOf(job, planes, tokens) ? tokens.histogram : undefined;
  };
  const encode = (job: EntropyJob, tables: TableSet): EntropyData => {
    const data = tokens.encode(job, tables);
    tokens = new Tokens();
    return data;
  };
  return {
    name: "plain",
    decode,
    encode,
    rewrite: (job, tables) => (decode(job) === undefined ? undefined : encode(job, tables)),
  };
}
