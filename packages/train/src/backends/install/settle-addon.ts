import { BackendError } from "@millrace/formats";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TENSORFLOW_PACKAGE_VERSION, type TensorflowPackage } from "../tensorflow-environment.js";
import type { TensorflowProbe, UsableTensorflow } from "../tensorflow-probe.js";
import { compileAddon, SHIPPED_ADDON } from "./addon.js";
import type { InstallPaths } from "./install-plan.js";
import { placeCopy } from "./put-in-place.js";

/** Where an addon comes from: with millrace, compiled here, or put there by somebody else. */
export type AddonOrigin = "shipped" | "compiled" | "foreign";

/** Path of the addon that was compiled on this machine, in the release's folder. */
export function compiledAddonPath(home: string): string {
  return join(home, `tfjs_binding-${TENSORFLOW_PACKAGE_VERSION}.node`);
}

/** Where the addon in the package comes from, by its bytes; `undefined` if there is none. */
export async function addonOrigin(paths: Pick<InstallPaths, "addon" | "home">): Promise<AddonOrigin | undefined> {
  if (!existsSync(paths.addon)) return undefined;
  const found = await readFile(paths.addon);
  const equals = async (path: string): Promise<boolean> => existsSync(path) && found.equals(await readFile(path));
  if (await equals(SHIPPED_ADDON)) return "shipped";
  return (await equals(compiledAddonPath(paths.home))) ? "compiled" : "foreign";
}

/** What {@link settleAddon} needs. */
export interface SettleOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Any path of the user's project. */
  readonly from: string;
  readonly probe: () => Promise<TensorflowProbe>;
  /** Is told what was done. */
  readonly say: (text: string) => void;
}

/**
 * Tries the addon that is in the package; if it does not load, the shipped one; if that does not load either, one
 * that is compiled here.
 * @returns What the one that works says.
 * @throws {@link BackendError} if none works; {@link FileError}; the signal's reason.
 */
export async function settleAddon(
  tensorflow: TensorflowPackage,
  paths: InstallPaths,
  options: SettleOptions,
): Promise<UsableTensorflow> {
  const { probe, say } = options;
  const origin = await addonOrigin(paths);
  let answer = await probe();
  if (fails(answer) && origin === "foreign") {
    await placeCopy(SHIPPED_ADDON, paths.addon);
    say(`addon: replaced by the one of millrace (${answer.reason})`);
    answer = await probe();
  }
  if (fails(answer)) {
    const compiled = compiledAddonPath(paths.home);
    if (!existsSync(compiled) || origin === "compiled")
      await compileAddon(tensorflow, paths.home, compiled, { ...options, why: answer.reason });
    await placeCopy(compiled, paths.addon);
    say(`addon: compiled here (${answer.reason})`);
    answer = await probe();
  }
  if (answer.usable) return answer;
  throw new BackendError({
    problem: `TensorFlow is installed, but does not work: ${answer.reason}`,
    reason: "probe",
    fix: "report it with your distribution and CPU; meanwhile the backend wasm works",
  });
}

function fails(answer: TensorflowProbe): answer is Exclude<TensorflowProbe, UsableTensorflow> {
  return !answer.usable && answer.addonFails;
}
