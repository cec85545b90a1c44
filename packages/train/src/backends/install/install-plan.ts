import { join } from "node:path";
import type { TensorflowPackage } from "../tensorflow-environment.js";
import { ADDON_PATH } from "./addon.js";
import type { Present } from "./put-in-place.js";
import type { PinnedWheel, TensorflowRelease } from "./release.js";

/** Where an installation puts its things. */
export interface InstallPaths {
  /** What many projects share. */
  readonly cache: string;
  /** The release, unpacked: there completely or not at all. */
  readonly home: string;
  /** Downloaded wheels, until they are unpacked. */
  readonly wheels: string;
  /** In the package: a symbolic link to `home`. */
  readonly deps: string;
  /** In the package. */
  readonly addon: string;
}

/** Names every path of an installation. */
export function installPaths(cache: string, release: TensorflowRelease, tensorflow: TensorflowPackage): InstallPaths {
  const { folder } = tensorflow;
  return {
    cache,
    home: join(cache, release.name),
    wheels: join(cache, "wheels"),
    deps: join(folder, "deps"),
    addon: join(folder, ADDON_PATH),
  };
}

/** What is there already, as {@link planInstall} needs to know it. */
export interface InstallState {
  /** Every file of the release is in `home`, as long as pinned. */
  readonly isHomeComplete: boolean;
  readonly deps: Present;
  readonly hasAddon: boolean;
  /** The path of each checked wheel that is at hand, by its file name. */
  readonly wheels: ReadonlyMap<string, string>;
}

/** One thing to do. */
export type InstallStep =
  | { readonly kind: "fetch"; readonly wheel: PinnedWheel }
  | { readonly kind: "unpack" }
  | { readonly kind: "link" }
  | { readonly kind: "addon" }
  | { readonly kind: "try" };

/** What is missing, in the order in which it is to be done. To try what is there comes last and never falls out. */
export function planInstall(release: TensorflowRelease, paths: InstallPaths, state: InstallState): InstallStep[] {
  const isLinked = typeof state.deps === "object" && state.deps.target === paths.home;
  const missing = release.wheels.filter(({ file }) => !state.wheels.has(file));
  return [
    ...(state.isHomeComplete
      ? []
      : [...missing.map((wheel) => ({ kind: "fetch", wheel }) as const), { kind: "unpack" } as const]),
    ...(isLinked ? [] : [{ kind: "link" } as const]),
    ...(state.hasAddon ? [] : [{ kind: "addon" } as const]),
    { kind: "try" },
  ];
}

/** Bytes that the steps will write to the cache. */
export function bytesToWrite(steps: readonly InstallStep[], release: TensorflowRelease): number {
  const members = release.wheels.flatMap((wheel) => wheel.members);
  return steps.reduce((sum, step) => {
    if (step.kind === "fetch") return sum + step.wheel.bytes;
    return step.kind === "unpack" ? sum + members.reduce((all, { bytes }) => all + bytes, 0) : sum;
  }, 0);
}
