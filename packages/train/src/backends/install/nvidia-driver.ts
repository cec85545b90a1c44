import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the machine says of NVIDIA's driver, which no package brings. */
export interface NvidiaDriver {
  /** Of the kernel module; `undefined` if it is not loaded, or (as in WSL 2) does not say. */
  readonly version: string | undefined;
  /** Path of `libcuda.so.1`, the driver's library; `undefined` if it is in none of the usual folders. */
  readonly library: string | undefined;
}

/** The folders in which distributions, containers and WSL 2 put the driver's library. */
const LIBRARY_FOLDERS = [
  "usr/lib/x86_64-linux-gnu",
  "usr/lib64",
  "usr/lib",
  "usr/lib/wsl/lib",
  "usr/local/nvidia/lib64",
  "usr/local/cuda/compat",
  "run/opengl-driver/lib",
];

/** The oldest driver for CUDA 12 (NVIDIA, CUDA Compatibility, table "Minor Version Compatibility"). */
const OLDEST_DRIVER = 525;

/**
 * Looks for the driver without loading it.
 * @param root - The root of the file system, another in tests.
 */
export function readNvidiaDriver(env: NodeJS.ProcessEnv, root: string = "/"): NvidiaDriver {
  const told = (env["LD_LIBRARY_PATH"] ?? "").split(":").filter((folder) => folder !== "");
  const folders = [...told, ...LIBRARY_FOLDERS.map((folder) => join(root, folder))];
  const library = folders.map((folder) => join(folder, "libcuda.so.1")).find((path) => existsSync(path));
  return { version: moduleVersion(join(root, "proc", "driver", "nvidia", "version")), library };
}

function moduleVersion(path: string): string | undefined {
  try {
    return /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/u.exec(readFileSync(path, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/** Why TensorFlow can see no GPU with this driver, with the way out; `undefined` if the driver is not the reason. */
export function driverProblem({ version, library }: NvidiaDriver): string | undefined {
  if (version === undefined && library === undefined)
    return "there is no NVIDIA driver (no /proc/driver/nvidia/version, no libcuda.so.1); install it on the host, and start a container with --gpus all";
  if (library === undefined)
    return `the kernel module of driver ${version} is loaded, but its libcuda.so.1 was not found; start a container with --gpus all (NVIDIA Container Toolkit), or add the library's folder to LD_LIBRARY_PATH`;
  if (version !== undefined && Number.parseInt(version, 10) < OLDEST_DRIVER)
    return `driver ${version} is too old for CUDA 12; install ${OLDEST_DRIVER} or later`;
  return undefined;
}
