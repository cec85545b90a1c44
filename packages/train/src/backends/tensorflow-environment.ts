import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The packages that bring TensorFlow's C library into Node, best first; they hold the same code. They are optional
 * peers: users install one themselves.
 */
export const TENSORFLOW_PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/** The version of the packages that millrace works with. */
export const TENSORFLOW_PACKAGE_VERSION = "4.22.0";

/** One of {@link TENSORFLOW_PACKAGES}, installed. */
export interface TensorflowPackage {
  readonly name: string;
  readonly version: string;
  /** Its folder, without symbolic links on the way. */
  readonly folder: string;
}

/**
 * Finds the package that this one would import, or that a file in the folder of `from` would: in the folders
 * `node_modules` from there up. (`require` would also look where `NODE_PATH` says, `import` does not.)
 * @param from - Path of a file, which need not exist; this one unless told.
 */
export function findTensorflowPackage(from: string = fileURLToPath(import.meta.url)): TensorflowPackage | undefined {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    for (const name of TENSORFLOW_PACKAGES) {
      const at = join(folder, "node_modules", name);
      const version = versionOf(join(at, "package.json"));
      if (version !== undefined) return { name, version, folder: realpathSync(at) };
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function versionOf(manifest: string): string | undefined {
  if (!existsSync(manifest)) return undefined;
  try {
    return String((JSON.parse(readFileSync(manifest, "utf8")) as { version?: unknown }).version);
  } catch {
    return "unknown";
  }
}

/** The name of the package that this one would load; the best one's where none is installed. */
export function tensorflowPackageName(): string {
  return findTensorflowPackage()?.name ?? TENSORFLOW_PACKAGES[0];
}

/**
 * Sets what TensorFlow reads from the environment when it is loaded, where the user has not: quiet, GPU memory as
 * needed, an allocator that keeps memory, threads, the folder with the compiler of the GPU's code. To be called before the package is imported.
 * @param numThreads - Of one operation on the CPU; without it what the environment says, else all cores.
 * @returns The number of threads that TensorFlow will take.
 */
export function prepareTensorflowEnvironment(numThreads?: number): number {
  const { env } = process;
  env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  env["TF_FORCE_GPU_ALLOW_GROWTH"] ??= "true";
  // Keeps freed memory for the next tensor. The C library gives large blocks back to the system at once, which then
  // clears every page of them anew: several times the cost of the operation that fills them.
  env["TF_CPU_ALLOCATOR_USE_BFC"] ??= "true";
  if (numThreads !== undefined) env["TF_NUM_INTRAOP_THREADS"] = String(numThreads);
  env["TF_NUM_INTRAOP_THREADS"] ??= String(availableParallelism());
  const cuda = join(findTensorflowPackage()?.folder ?? "", "deps", "nvidia", "cuda_nvcc");
  const flags = env["XLA_FLAGS"] ?? "";
  if (existsSync(cuda) && !flags.includes("xla_gpu_cuda_data_dir"))
    env["XLA_FLAGS"] = `${flags} --xla_gpu_cuda_data_dir=${realpathSync(cuda)}`.trim();
  restoreRemovedFunctions();
  return Number(env["TF_NUM_INTRAOP_THREADS"]);
}

/** Node 23 removed functions of `node:util` that the package (4.22.0) calls. */
function restoreRemovedFunctions(): void {
  const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>;
  util["isNullOrUndefined"] ??= (value: unknown) => value === undefined || value === null;
  util["isArray"] ??= (value: unknown) => Array.isArray(value);
}
