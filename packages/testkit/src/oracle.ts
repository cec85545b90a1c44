import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { skipReason } from "./require.js";

/** The reference implementations that tests compare with; each lives in a Python environment of its own. */
export type OracleName = "h5py" | "pyarrow" | "pillow" | "tensorflow" | "viztracer" | "webdataset";

/** A reference implementation in Python, called as a child process. */
export interface Oracle {
  /** Why tests with it must be skipped, or `undefined`: `it.skipIf(oracle.skip)`. */
  readonly skip: string | undefined;
  /** Runs a Python program with arguments and returns what it prints. A failure throws with its stderr. */
  run(program: string, ...args: string[]): string;
}

/** `node scripts/oracles.mjs` makes the environments, in `.oracles/` at the root of the repository. */
export function openOracle(name: OracleName): Oracle {
  const python = fileURLToPath(new URL(`../../../.oracles/${name}/bin/python`, import.meta.url));
  return {
    skip: skipReason(existsSync(python), `the oracle ${name}`, "run node scripts/oracles.mjs (needs Python 3 and pip)"),
    run: (program, ...args) =>
      execFileSync(python, ["-c", program, ...args], { encoding: "utf8", maxBuffer: 2 ** 28, timeout: 300_000 }),
  };
}
