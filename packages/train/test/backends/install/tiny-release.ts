import { tempDir } from "@millrace/testkit";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InstallOptions } from "@millrace/train/install";
import { SHIPPED_ADDON } from "../../../dist/backends/install/addon.js";
import type { PinnedWheel, TensorflowRelease } from "../../../dist/backends/install/release.js";
import {
  type InstallParts,
  runInstall,
  type TensorflowInstallReport,
} from "../../../dist/backends/install/run-install.js";
import type { TensorflowProbe } from "../../../dist/backends/tensorflow-probe.js";
import { makeZip, type ZipEntry } from "./zip-file.js";

/** What the wheel of a tiny release holds that is wanted, by name. */
export const CONTENTS: ReadonlyMap<string, Buffer> = new Map([
  ["tensorflow/libtensorflow_cc.so.2", Buffer.alloc(300_000, "c")],
  ["tensorflow/libtensorflow_framework.so.2", Buffer.alloc(5000, "f")],
]);

/** Wheels have more in them, of which pip reads the metadata. */
const AROUND: readonly ZipEntry[] = [
  { name: "../../escaped.txt", data: Buffer.from("hostile") },
  { name: "/tmp/absolute.txt", data: Buffer.from("hostile") },
  { name: "tensorflow/__init__.py", data: Buffer.from("raise SystemExit\n") },
  {
    name: "tensorflow_cpu-2.15.1.dist-info/METADATA",
    data: Buffer.from("Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 2.15.1\n"),
  },
  {
    name: "tensorflow_cpu-2.15.1.dist-info/WHEEL",
    data: Buffer.from("Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_17_x86_64\n"),
  },
];

/** A wheel of a few kilobytes with these entries, in a folder, and its pins. */
export function writeWheel(folder: string, entries: readonly ZipEntry[]): PinnedWheel {
  const bytes = makeZip(entries);
  const file = "tensorflow_cpu-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), bytes);
  const members = [...CONTENTS].map(([from, data]) => ({
    from,
    to: from.replace("tensorflow/", "lib/"),
    bytes: data.length,
  }));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { project: "tensorflow-cpu", version: "2.15.1", file, sha256, bytes: bytes.length, members };
}

/** The entries of a sound wheel. */
export function soundEntries(): ZipEntry[] {
  return [...AROUND, ...[...CONTENTS].map(([name, data]) => ({ name, data }))];
}

/** A stand-in for a project with a package of TensorFlow, a cache and a wheel, all in a folder that goes away. */
export interface Stand {
  readonly folder: string;
  /** Of the package. */
  readonly packageFolder: string;
  readonly cache: string;
  /** Folder with the wheel. */
  readonly wheels: string;
  readonly wheel: PinnedWheel;
  readonly parts: InstallParts;
  /** Installs from the wheel at hand. */
  install(options?: InstallOptions, parts?: Partial<InstallParts>): Promise<TensorflowInstallReport>;
}

/** TensorFlow works if the package is joined with all libraries and an addon that `loads` accepts. */
export function probeOf(packageFolder: string, loads: (addon: Buffer) => boolean): () => Promise<TensorflowProbe> {
  return () => {
    const addon = join(packageFolder, "lib", "napi-v8", "tfjs_binding.node");
    const library = join(packageFolder, "deps", "lib", "libtensorflow_cc.so.2");
    const usable = existsSync(library) && existsSync(addon) && loads(readFileSync(addon));
    return Promise.resolve(
      usable
        ? { usable, version: "2.15.1", isGpu: false, tfjsVersion: "4.22.0", numThreads: 2 }
        : { usable, reason: "the native addon does not load: GLIBC_9.9 not found", addonFails: true },
    );
  };
}

/** Makes a {@link Stand}; its wheel has these entries. */
export function makeStand(entries: readonly ZipEntry[] = soundEntries()): Stand {
  const folder = tempDir();
  const packageFolder = join(folder, "project", "node_modules", "@tensorflow", "tfjs-node-gpu");
  mkdirSync(packageFolder, { recursive: true });
  const wheels = join(folder, "downloads");
  const wheel = writeWheel(wheels, entries);
  const release: TensorflowRelease = { name: "tensorflow-tiny", version: "2.15.1", isCuda: false, wheels: [wheel] };
  const found = { name: "@tensorflow/tfjs-node-gpu", version: "4.22.0", folder: packageFolder };
  const shipped = readFileSync(SHIPPED_ADDON);
  const parts: InstallParts = {
    env: { ...process.env, PATH: join(folder, "no-programs") },
    from: join(folder, "project", "package.json"),
    own: import.meta.url,
    system: { platform: "linux", arch: "x64", glibc: "2.36" },
    release,
    findPackage: () => found,
    probe: probeOf(packageFolder, (addon) => addon.equals(shipped)),
    root: folder,
  };
  const cache = join(folder, "cache");
  const install: Stand["install"] = (options = {}, others = {}) =>
    runInstall({ cache, wheels: [wheels], ...options }, { ...parts, ...others });
  return { folder, packageFolder, cache, wheels, wheel, parts, install };
}

/** Makes a program of the shell in the one folder of `PATH`. */
export function makeProgram(stand: Stand, name: string, script: string): void {
  const folder = join(stand.folder, "no-programs");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** Copies a file, making the folder. */
export function put(from: string, folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  copyFileSync(from, join(folder, name));
  return join(folder, name);
}
