import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Backend, type BackendName, selectBackend } from "@millrace/train";
import { skipReason } from "@millrace/testkit";

/** Opens a backend, runs `use` on it and closes it. What `use` returns holds no tensors. */
export async function onBackend<T>(name: BackendName, use: (backend: Backend) => T | Promise<T>): Promise<T> {
  const { backend } = await selectBackend(name);
  try {
    return await use(backend);
  } finally {
    await backend.close();
  }
}

function hasAddon(): boolean {
  try {
    const manifest = createRequire(import.meta.url).resolve("@tensorflow/tfjs-node-gpu/package.json");
    return existsSync(join(dirname(manifest), "lib", "napi-v8", "tfjs_binding.node"));
  } catch {
    return false;
  }
}

/** Why tests on `tensorflow` are skipped, or `undefined`. */
export const tensorflowSkip: string | undefined = skipReason(
  hasAddon(),
  "the addon of @tensorflow/tfjs-node-gpu",
  "run node packages/cli/dist/bin.js backend install tensorflow",
);

/** The largest difference of two arrays, as a share of the largest value of `expected`. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let scale = 1e-30;
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(found[i]! - expected[i]!);
    difference = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(difference, gap);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference / scale;
}

/** `length` reproducible numbers, evenly spread between -1 and 1 with a shift. */
export function numbers(length: number, seed: number, shift = 0): Float32Array {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1 + shift;
  });
}
