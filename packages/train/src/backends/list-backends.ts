import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { realpath } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { BackendName } from "./backend.js";
import { ADDON_PATH } from "./install/addon.js";
import { cacheFolder } from "./install/cache-folder.js";
import { isComplete } from "./install/observe.js";
import { TENSORFLOW_RELEASES } from "./install/releases.js";
import { type AddonOrigin, addonOrigin } from "./install/settle-addon.js";
import { findTensorflowPackage, TENSORFLOW_PACKAGE_VERSION, TENSORFLOW_PACKAGES } from "./tensorflow-environment.js";
import { probeTensorflow } from "./tensorflow-probe.js";

/** One backend as {@link listBackends} finds it. */
export interface BackendListing {
  readonly name: BackendName;
  readonly isUsable: boolean;
  /** What computes, in words. */
  readonly device?: string | undefined;
  /** True only where the device itself says that it is a GPU. */
  readonly isGpu: boolean;
  /** Threads of one operation. */
  readonly numThreads?: number | undefined;
  /** Of TensorFlow.js. */
  readonly tfjsVersion?: string | undefined;
  /** Of TensorFlow's library. */
  readonly libraryVersion?: string | undefined;
  /** Folder of the libraries, without symbolic links on the way. */
  readonly home?: string | undefined;
  readonly addon?: AddonOrigin | undefined;
  /** Why it cannot be used. */
  readonly reason?: string | undefined;
  /** What to do about it. */
  readonly fix?: string | undefined;
}

/** What the process that tries other backends answers. */
export interface TrialAnswer {
  readonly name: BackendName;
  readonly device?: string | undefined;
  readonly tfjsVersion?: string | undefined;
  readonly reason?: string | undefined;
}

const trialSchema: z.ZodType<TrialAnswer> = z.object({
  name: z.enum(["tensorflow", "wasm", "cpu"]),
  device: z.string().optional(),
  tfjsVersion: z.string().optional(),
  reason: z.string().optional(),
});

const TRIAL_TIMEOUT_MS = 60_000;

/**
 * Tries every backend, in child processes, and says what it is or why it cannot be used. Best first. Never throws for
 * a backend that does not work.
 * @param cache - Where libraries of TensorFlow may lie, as for {@link installTensorflow}.
 */
export async function listBackends(cache?: string): Promise<BackendListing[]> {
  const tensorflow = await listTensorflow(cacheFolder(cache, process.env));
  const others = await tryBackends(["wasm", "cpu"]);
  return [tensorflow, ...others];
}

async function listTensorflow(cache: string): Promise<BackendListing> {
  const found = findTensorflowPackage();
  const probe = await probeTensorflow();
  if (found === undefined || !probe.usable) {
    const reason = probe.usable ? undefined : probe.reason;
    const fix =
      found === undefined
        ? `run npm install --ignore-scripts ${TENSORFLOW_PACKAGES[0]}@${TENSORFLOW_PACKAGE_VERSION}, then millrace backend install tensorflow`
        : await howToInstall(found.folder, cache);
    return { name: "tensorflow", isUsable: false, isGpu: false, reason, fix };
  }
  const { version, isGpu, tfjsVersion, numThreads } = probe;
  const home = await realpath(join(found.folder, "deps")).catch(() => undefined);
  return {
    name: "tensorflow",
    isUsable: true,
    device: isGpu ? "GPU" : "CPU",
    isGpu,
    numThreads,
    tfjsVersion,
    libraryVersion: version,
    home,
    addon: await addonOrigin({ addon: join(found.folder, ADDON_PATH), home: home ?? "" }),
  };
}

/** After `npm ci` the package has lost its native part, but the libraries are still in the cache. */
async function howToInstall(folder: string, cache: string): Promise<string> {
  const isWhole = existsSync(join(folder, "deps")) && existsSync(join(folder, ADDON_PATH));
  for (const release of TENSORFLOW_RELEASES) {
    const command = `run millrace backend install tensorflow${release.isCuda ? " --cuda" : ""}`;
    if (!isWhole && (await isComplete(release, join(cache, release.name))))
      return `${command}; the libraries are still in ${cache}, so it needs no network and about a second`;
  }
  return "run millrace backend install tensorflow";
}

async function tryBackends(names: readonly BackendName[]): Promise<BackendListing[]> {
  const program = join(dirname(fileURLToPath(import.meta.url)), "backend-trial-process.js");
  const stdio = ["ignore", "ignore", "ignore", "ipc"] as const;
  const child = fork(program, [...names], { execArgv: [], stdio: [...stdio], timeout: TRIAL_TIMEOUT_MS });
  const answers = new Map<string, TrialAnswer>();
  child.on("message", (message) => {
    const answer = trialSchema.safeParse(message).data;
    if (answer !== undefined) answers.set(answer.name, answer);
  });
  const end = await new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(`the process to try it did not start: ${error.message}`));
    child.on("close", (code, signal) => resolve(`the process that tried it ended by ${signal ?? `exit code ${code}`}`));
  });
  return names.map((name): BackendListing => {
    const { device, tfjsVersion, reason } = answers.get(name) ?? { reason: end };
    const isUsable = device !== undefined;
    return { name, isUsable, device, isGpu: false, numThreads: isUsable ? 1 : undefined, tfjsVersion, reason };
  });
}
