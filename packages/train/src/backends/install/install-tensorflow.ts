import { fileURLToPath } from "node:url";
import { findTensorflowPackage } from "../tensorflow-environment.js";
import { probeTensorflow } from "../tensorflow-probe.js";
import { tensorflowRelease } from "./releases.js";
import { runInstall, type TensorflowInstallReport } from "./run-install.js";
import { hostSystem } from "./system.js";

/** What {@link installTensorflow} reports while it works. */
export type InstallProgress =
  /** Something is done, or was there, in one line. */
  | { readonly kind: "done"; readonly text: string }
  /** Something takes long. */
  | {
      readonly kind: "bytes";
      /** In words: `download tensorflow-cpu`. */
      readonly what: string;
      readonly bytes: number;
      readonly totalBytes: number;
    };

/** What {@link installTensorflow} may be told. */
export interface InstallOptions {
  /** Take the libraries with CUDA 12: 3.4 GB to download, 5.3 GB on disk. Default: those for the CPU, 0.2 and 0.6 GB. */
  readonly cuda?: boolean;
  /** Wheels that are here already: files, or folders with them. What is not among them is downloaded. */
  readonly wheels?: readonly string[];
  /** Folder for the libraries, which many projects share. Default `$MILLRACE_CACHE`, else `~/.cache/millrace`. */
  readonly cache?: string | undefined;
  /** Keep downloaded wheels, in `wheels/` of the cache. */
  readonly keepWheels?: boolean;
  /** Any path of the user's project; by default the folder of the process. */
  readonly from?: string;
  readonly signal?: AbortSignal | undefined;
  /** Told of every step, and of bytes while a wheel comes. */
  readonly onProgress?: ((event: InstallProgress) => void) | undefined;
}

/**
 * Gives the installed package `@tensorflow/tfjs-node-gpu` (or `@tensorflow/tfjs-node`) its native part: TensorFlow's
 * libraries from a Python wheel that is pinned by its SHA-256, and the addon. Then it is tried in a child process. Run
 * again, it does only what is missing; interrupted at any point, the next run goes on. The package's files, which may
 * be hard links into a store, are not written to.
 * @returns What was done, and what TensorFlow says of itself.
 * @throws {@link BackendError} on a system without libraries, without the package, pip or network, for a wheel that
 * is not the pinned one, and if it does not work in the end; {@link OptionError} for a wheel that is not there;
 * {@link FileError} if a folder cannot be written; the signal's reason.
 */
export async function installTensorflow(options: InstallOptions = {}): Promise<TensorflowInstallReport> {
  const from = options.from ?? `${process.cwd()}/package.json`;
  return runInstall(options, {
    env: process.env,
    from,
    own: fileURLToPath(import.meta.url),
    system: hostSystem(),
    release: tensorflowRelease(options.cuda === true),
    findPackage: findTensorflowPackage,
    probe: probeTensorflow,
    root: "/",
  });
}
