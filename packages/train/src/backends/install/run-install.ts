import { BackendError, fileError, isMillraceError, removeTemporaries } from "@millrace/formats";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { TENSORFLOW_PACKAGE_VERSION, TENSORFLOW_PACKAGES, type TensorflowPackage } from "../tensorflow-environment.js";
import type { ProbeOptions, TensorflowProbe, UsableTensorflow } from "../tensorflow-probe.js";
import { SHIPPED_ADDON } from "./addon.js";
import { cacheFolder } from "./cache-folder.js";
import { fetchWheel } from "./fetch-wheel.js";
import { checkSpace, fillHome, removeKeptWheels } from "./fill-home.js";
import { lockCache } from "./install-lock.js";
import { bytesToWrite, type InstallPaths, installPaths, type InstallState, planInstall } from "./install-plan.js";
import type { InstallOptions } from "./install-tensorflow.js";
import { observeInstall, wheelsAtHand } from "./observe.js";
import { placeCopy, placeLink } from "./put-in-place.js";
import { type TensorflowRelease, unpackedBytes } from "./release.js";
import { type AddonOrigin, addonOrigin, settleAddon } from "./settle-addon.js";
import { checkSystem, type HostSystem } from "./system.js";
import { whyNoGpu } from "./why-no-gpu.js";

/** The outcome of {@link installTensorflow}. */
export interface TensorflowInstallReport {
  /** The package that was given its native part, with its version. */
  readonly package: string;
  /** Its folder. */
  readonly packageFolder: string;
  /** Of the libraries: `tensorflow-2.15.1`. `undefined` if the package has libraries of its own, which work. */
  readonly release: string | undefined;
  /** Folder of the libraries. */
  readonly home: string | undefined;
  readonly addon: AddonOrigin | undefined;
  /** What was done, one line each; empty if nothing was missing. */
  readonly did: readonly string[];
  /** What TensorFlow says of itself. */
  readonly tensorflow: UsableTensorflow;
  /** Why no GPU is used although CUDA is installed. */
  readonly noGpu: string | undefined;
}

/** What {@link runInstall} meets; tests bring their own. */
export interface InstallParts {
  readonly env: NodeJS.ProcessEnv;
  /** A path of the user's project. */
  readonly from: string;
  /** A path of this package, from which it loads TensorFlow. */
  readonly own: string;
  readonly system: HostSystem;
  readonly release: TensorflowRelease;
  readonly findPackage: (from: string) => TensorflowPackage | undefined;
  readonly probe: (options?: ProbeOptions) => Promise<TensorflowProbe>;
  /** The root of the file system in which the driver is looked for. */
  readonly root: string;
}

/** {@link installTensorflow} with what it meets as arguments. */
export async function runInstall(options: InstallOptions, parts: InstallParts): Promise<TensorflowInstallReport> {
  const { release, env } = parts;
  checkSystem(parts.system);
  const tensorflow = requirePackage(parts);
  const paths = installPaths(cacheFolder(options.cache, env), release, tensorflow);
  const run = new InstallRun(options, parts, tensorflow, paths);
  return run.run();
}

function requirePackage({ findPackage, from, own }: InstallParts): TensorflowPackage {
  const [name] = TENSORFLOW_PACKAGES;
  const command = `npm install --ignore-scripts ${name}@${TENSORFLOW_PACKAGE_VERSION}`;
  const found = findPackage(own);
  const elsewhere = found === undefined ? findPackage(from) : undefined;
  if (elsewhere !== undefined)
    throw new BackendError({
      file: elsewhere.folder,
      problem: `millrace does not find this package from ${dirname(own)}`,
      reason: "package-elsewhere",
      fix: "install millrace in the same project: npm install millrace",
    });
  if (found === undefined)
    throw new BackendError({
      problem: `the package ${TENSORFLOW_PACKAGES.join(" or ")} is not installed`,
      reason: "no-package",
      fix: `run ${command}`,
    });
  if (found.version === TENSORFLOW_PACKAGE_VERSION) return found;
  throw new BackendError({
    file: found.folder,
    problem: `this version of ${found.name} is not supported`,
    reason: "package-version",
    expected: TENSORFLOW_PACKAGE_VERSION,
    found: found.version,
    fix: `run ${command}`,
  });
}

class InstallRun {
  readonly #options: InstallOptions;
  readonly #parts: InstallParts;
  readonly #tensorflow: TensorflowPackage;
  readonly #paths: InstallPaths;
  readonly #did: string[] = [];

  constructor(options: InstallOptions, parts: InstallParts, tensorflow: TensorflowPackage, paths: InstallPaths) {
    this.#options = options;
    this.#parts = parts;
    this.#tensorflow = tensorflow;
    this.#paths = paths;
  }

  async run(): Promise<TensorflowInstallReport> {
    const { release, probe } = this.#parts;
    const state = await observeInstall(release, this.#paths);
    if (state.deps === "other") return this.#useForeign();
    if (state.isHomeComplete) this.#say(`${release.name}: libraries are in ${this.#paths.home}`);
    else await this.#fill();
    await this.#join(state);
    const { env, from } = this.#parts;
    const { signal } = this.#options;
    const usable = await settleAddon(this.#tensorflow, this.#paths, {
      env,
      from,
      signal,
      probe: () => probe(),
      say: (text) => this.#note(text),
    });
    const noGpu =
      release.isCuda && !usable.isGpu
        ? await whyNoGpu(env, this.#parts.root, (log) => probe({ onLog: log }))
        : undefined;
    return this.#report(usable, noGpu);
  }

  /** Downloads and unpacks, alone in the cache. */
  async #fill(): Promise<void> {
    const { release, env } = this.#parts;
    const { signal, onProgress, keepWheels = false, wheels: given = [] } = this.#options;
    const { cache, home, wheels } = this.#paths;
    await using _lock = await lockCache(cache, {
      signal,
      onWait: (holder) => this.#say(`waiting for ${holder}, which installs into ${cache}`),
    });
    await this.#clean([cache, wheels]);
    const state = await observeInstall(release, this.#paths);
    if (state.isHomeComplete) return;
    const atHand = await wheelsAtHand(release, wheels, given, signal);
    const steps = planInstall(release, this.#paths, { ...state, wheels: atHand });
    await checkSpace(cache, bytesToWrite(steps, release));
    const paths = new Map(atHand);
    for (const step of steps) {
      if (step.kind !== "fetch") continue;
      const { wheel } = step;
      const { bytes: totalBytes, project } = wheel;
      const what = `download ${project}`;
      const onBytes = (bytes: number): void => onProgress?.({ kind: "bytes", what, bytes, totalBytes });
      onBytes(0);
      paths.set(wheel.file, await fetchWheel(wheel, wheels, { env, signal, onBytes }));
      onBytes(totalBytes);
      this.#note(`${project} ${wheel.version}: downloaded ${megabytes(totalBytes)}, sha256 is right`);
    }
    const totalBytes = unpackedBytes(release);
    let bytes = 0;
    const onBytes = (more: number): void =>
      onProgress?.({ kind: "bytes", what: "unpack", bytes: (bytes += more), totalBytes });
    await fillHome(release, this.#paths, paths, { signal, onBytes });
    this.#note(`${release.name}: unpacked ${megabytes(totalBytes)} into ${home}`);
    if (!keepWheels) await removeKeptWheels(release, this.#paths);
  }

  /** Joins the package with the libraries. */
  async #join(state: InstallState): Promise<void> {
    const { deps, addon, home } = this.#paths;
    const steps = planInstall(this.#parts.release, this.#paths, { ...state, isHomeComplete: true });
    if (steps.some(({ kind }) => kind !== "try")) await this.#clean([dirname(deps), dirname(addon)]);
    for (const { kind } of steps) {
      if (kind === "link") {
        await placeLink(home, deps);
        const before = typeof state.deps === "object" ? `, instead of ${state.deps.target}` : "";
        this.#note(`${this.#tensorflow.name}: linked with the libraries${before}`);
      } else if (kind === "addon") {
        await placeCopy(SHIPPED_ADDON, addon);
        this.#note(`${this.#tensorflow.name}: got its addon`);
      }
    }
  }

  /** The package's own install script has put libraries there: good if they work, else in the way. */
  async #useForeign(): Promise<TensorflowInstallReport> {
    const answer = await this.#parts.probe();
    if (answer.usable && !this.#parts.release.isCuda) {
      this.#say(`${this.#tensorflow.name} has libraries of its own, and they work`);
      return { ...(await this.#report(answer, undefined)), release: undefined, home: undefined };
    }
    throw new BackendError({
      file: this.#paths.deps,
      problem: answer.usable
        ? "the package has libraries of its own, which are in the way"
        : `the package has libraries of its own, which do not work: ${answer.reason}`,
      reason: "deps-in-the-way",
      fix: "delete that folder and run again",
    });
  }

  async #report(tensorflow: UsableTensorflow, noGpu: string | undefined): Promise<TensorflowInstallReport> {
    const { name, version, folder } = this.#tensorflow;
    return {
      package: `${name} ${version}`,
      packageFolder: folder,
      release: this.#parts.release.name,
      home: this.#paths.home,
      addon: await addonOrigin(this.#paths),
      did: this.#did,
      tensorflow,
      noGpu,
    };
  }

  /** Removes what an interrupted run left. */
  async #clean(folders: readonly string[]): Promise<void> {
    for (const folder of folders) {
      try {
        await mkdir(folder, { recursive: true });
        await removeTemporaries(folder);
      } catch (error) {
        throw isMillraceError(error) ? error : fileError(folder, "write into the folder", error);
      }
    }
  }

  #note(text: string): void {
    this.#did.push(text);
    this.#say(text);
  }

  #say(text: string): void {
    this.#options.onProgress?.({ kind: "done", text });
  }
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${bytes} bytes` : `${Math.round(bytes / 1e6)} MB`;
}
