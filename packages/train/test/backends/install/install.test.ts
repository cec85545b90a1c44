import { spawnSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { skipReason } from "@millrace/testkit";
import type { InstallProgress } from "@millrace/train/install";
import { describe, expect, it } from "vitest";
import { SHIPPED_ADDON } from "../../../dist/backends/install/addon.js";
import { CONTENTS, makeProgram, makeStand, probeOf, put, soundEntries, writeWheel } from "./tiny-release.js";

const pipSkip = skipReason(
  spawnSync("python3", ["-m", "pip", "--version"]).status === 0,
  "pip",
  "install Python 3 with pip",
);

const LIBRARY = "libtensorflow_cc.so.2";
const shipped = readFileSync(SHIPPED_ADDON);

describe("installTensorflow", () => {
  it("unpacks the two libraries and nothing else, joins the package with them, and tries it", async () => {
    const stand = makeStand();
    const events: InstallProgress[] = [];
    const report = await stand.install({ onProgress: (event) => events.push(event) });
    expect(report.did.map((line) => line.replace(stand.cache, "CACHE"))).toEqual([
      "tensorflow-tiny: unpacked 305000 bytes into CACHE/tensorflow-tiny",
      "@tensorflow/tfjs-node-gpu: linked with the libraries",
      "@tensorflow/tfjs-node-gpu: got its addon",
    ]);
    expect(report).toMatchObject({ release: "tensorflow-tiny", addon: "shipped", noGpu: undefined });
    expect(readlinkSync(join(stand.packageFolder, "deps"))).toBe(report.home);
    for (const [name, data] of CONTENTS)
      expect(readFileSync(join(stand.packageFolder, "deps", name.replace("tensorflow/", "lib/"))).equals(data)).toBe(
        true,
      );
    expect(readdirSync(stand.folder).toSorted()).toEqual(["cache", "downloads", "project"]);
    expect((readdirSync(stand.cache, { recursive: true }) as string[]).toSorted()).toEqual([
      "tensorflow-tiny",
      "tensorflow-tiny/lib",
      `tensorflow-tiny/lib/${LIBRARY}`,
      "tensorflow-tiny/lib/libtensorflow_framework.so.2",
    ]);
    expect(readFileSync(join(stand.packageFolder, "lib/napi-v8/tfjs_binding.node")).equals(shipped)).toBe(true);
    expect(events.findLast(({ kind }) => kind === "bytes")).toMatchObject({ bytes: 305_000, totalBytes: 305_000 });
  });

  it("run again, does nothing; after npm ci it links again, without wheel, network or programs", async () => {
    const stand = makeStand();
    await stand.install();
    rmSync(stand.wheels, { recursive: true });
    const parts = { env: { PATH: "" } };
    expect((await stand.install({ wheels: [] }, parts)).did).toEqual([]);
    rmSync(stand.packageFolder, { recursive: true });
    mkdirSync(stand.packageFolder);
    expect((await stand.install({ wheels: [] }, parts)).did).toEqual([
      "@tensorflow/tfjs-node-gpu: linked with the libraries",
      "@tensorflow/tfjs-node-gpu: got its addon",
    ]);
  });

  it("goes on after a kill: takes a silent lock over, clears what was half done, completes what is damaged", async () => {
    const stand = makeStand();
    await stand.install();
    const { cache, packageFolder } = stand;
    truncateSync(join(cache, "tensorflow-tiny", "lib", LIBRARY), 1000);
    const left = [join(cache, ".millrace-0123456789abcdef-tensorflow-tiny.tmp"), join(cache, "wheels")];
    for (const folder of left) mkdirSync(folder, { recursive: true });
    writeFileSync(join(cache, "wheels", stand.wheel.file), "half a wheel");
    writeFileSync(join(cache, "install.lock"), JSON.stringify({ pid: 999_999_999, host: "elsewhere", token: "t" }));
    utimesSync(join(cache, "install.lock"), 1000, 1000);
    rmSync(join(packageFolder, "deps"));
    symlinkSync("/nowhere", join(packageFolder, "deps"));
    const { did } = await stand.install();
    expect(did[1]).toBe("@tensorflow/tfjs-node-gpu: linked with the libraries, instead of /nowhere");
    expect(readdirSync(cache).toSorted()).toEqual(["tensorflow-tiny"]);
    expect(readFileSync(join(packageFolder, "deps", "lib", LIBRARY))).toHaveLength(300_000);
  });

  it("several at once do the work once, and all end well", async () => {
    const stand = makeStand();
    const reports = await Promise.all([stand.install(), stand.install(), stand.install()]);
    const unpacked = reports.flatMap(({ did }) => did).filter((line) => line.includes("unpacked"));
    expect(unpacked).toHaveLength(1);
    expect(reports.map(({ tensorflow }) => tensorflow.usable)).toEqual([true, true, true]);
    expect(existsSync(join(stand.cache, "install.lock"))).toBe(false);
  });

  it("never writes through hard links, which share their bytes with the store of a package manager", async () => {
    const stand = makeStand();
    const store = join(stand.folder, "store");
    const addon = put(SHIPPED_ADDON, join(stand.packageFolder, "lib", "napi-v8"), "tfjs_binding.node");
    writeFileSync(addon, "the addon of another version");
    linkSync(addon, store);
    const report = await stand.install();
    expect(report.did.at(-1)).toMatch(/^addon: replaced by the one of millrace/u);
    expect(readFileSync(store, "utf8")).toBe("the addon of another version");
  });

  it("leaves libraries that the package's own script has put there, if they work; else says what to delete", async () => {
    const stand = makeStand();
    const deps = join(stand.packageFolder, "deps", "lib");
    put(SHIPPED_ADDON, join(stand.packageFolder, "lib", "napi-v8"), "tfjs_binding.node");
    put(SHIPPED_ADDON, deps, LIBRARY);
    expect(await stand.install()).toMatchObject({ release: undefined, did: [] });
    rmSync(join(deps, LIBRARY));
    await expect(stand.install()).rejects.toMatchObject({ code: "BACKEND", detail: { reason: "deps-in-the-way" } });
  });

  it("compiles the addon if the shipped one does not load, and keeps it for the next time", async () => {
    const stand = makeStand();
    const headers = join(stand.folder, "project", "node_modules", "node-api-headers");
    put(SHIPPED_ADDON, join(headers, "include"), "node_api.h");
    writeFileSync(join(headers, "package.json"), "{}");
    const loads = probeOf(stand.packageFolder, (addon) => addon.toString() === "compiled");
    makeProgram(stand, "g++", 'for last; do :; done; printf compiled > "$last"');
    const report = await stand.install({}, { probe: loads });
    expect(report.addon).toBe("compiled");
    expect(report.did.at(-1)).toMatch(/^addon: compiled here \(.*GLIBC_9\.9 not found\)$/u);
    rmSync(join(stand.packageFolder, "lib"), { recursive: true });
    expect((await stand.install({}, { probe: loads, env: { PATH: "" } })).addon).toBe("compiled");
  });

  it("says why the addon does not load and what compiling lacks", async () => {
    const stand = makeStand();
    const probe = probeOf(stand.packageFolder, () => false);
    await expect(stand.install({}, { probe })).rejects.toThrow(
      /does not load: GLIBC_9.9 not found; compiling it here is not possible: g\+\+ was not found; install g\+\+/u,
    );
    makeProgram(stand, "g++", 'echo "x.cc:1: error: no such thing" >&2; exit 1');
    await expect(stand.install({}, { probe })).rejects.toThrow(/g\+\+ failed: x\.cc:1: error: no such thing/u);
    makeProgram(stand, "g++", 'for last; do :; done; printf other > "$last"');
    await expect(stand.install({}, { probe })).rejects.toThrow(/installed, but does not work.*backend wasm works/u);
  });
});

describe("installTensorflow downloads by pip", () => {
  it.skipIf(pipSkip)("from an index with tiny wheels, and keeps or deletes them as told", async () => {
    const stand = makeStand();
    const env = { ...process.env, PIP_NO_INDEX: "1", PIP_FIND_LINKS: stand.wheels };
    const { did } = await stand.install({ wheels: [], keepWheels: true }, { env });
    expect(did[0]).toMatch(/^tensorflow-cpu 2\.15\.1: downloaded \d+ bytes, sha256 is right$/u);
    expect(readdirSync(join(stand.cache, "wheels"))).toEqual([stand.wheel.file]);
    rmSync(join(stand.cache, "tensorflow-tiny"), { recursive: true });
    expect((await stand.install({ wheels: [] }, { env: { PATH: "" } })).did[0]).toMatch(/unpacked/u);
    expect(existsSync(join(stand.cache, "wheels"))).toBe(false);
  });

  it.each([
    ["no pip and no uv", undefined, /neither pip nor uv was found.*--wheel FILE/u],
    [
      "a full disk",
      "echo 'ERROR: [Errno 28] No space left on device' >&2; exit 1",
      /the disk is full; .*free \d+ bytes/u,
    ],
    [
      "no network",
      "echo 'WARNING: Retrying: Failed to establish a new connection: [Errno 111] Connection refused' >&2; exit 1",
      /the package index cannot be reached; .*another machine and give it by --wheel FILE/u,
    ],
    ["another failure", "echo 'ERROR: bad settings' >&2; exit 2", /found ERROR: bad settings; check pip's settings/u],
    ["no wheel", "exit 0", /pip left no wheel/u],
    [
      "a wrong wheel",
      'for d; do case "$p" in --dest) echo no > "$d/x.whl";; esac; p="$d"; done',
      /the wheel is truncated/u,
    ],
  ])("and says what is wrong: %s", async (_, script, message) => {
    const stand = makeStand();
    if (script !== undefined) makeProgram(stand, "uv", `[ "$4" = --version ] && exit 0\n${script}`);
    await expect(stand.install({ wheels: [] })).rejects.toThrow(message);
    expect(existsSync(join(stand.cache, "tensorflow-tiny"))).toBe(false);
    expect(existsSync(join(stand.packageFolder, "deps"))).toBe(false);
  });
});

describe("installTensorflow refuses, and leaves nothing half done:", () => {
  it("a wheel with another sha256, a truncated one, one that is not there", async () => {
    const stand = makeStand();
    const path = join(stand.wheels, stand.wheel.file);
    const bytes = readFileSync(path);
    bytes[100] = bytes[100]! ^ 1;
    writeFileSync(path, bytes);
    const wrong =
      /this is not the wheel tensorflow_cpu-.*; expected sha256 [0-9a-f]{64}, found [0-9a-f]{64}; nothing was/u;
    await expect(stand.install({ wheels: [path] })).rejects.toThrow(wrong);
    await expect(stand.install()).rejects.toMatchObject({ detail: { reason: "wheel-sha256" } });
    truncateSync(path, 500);
    await expect(stand.install()).rejects.toThrow(/the wheel is truncated; expected \d+ bytes, found 500 bytes/u);
    for (const wheel of [join(stand.wheels, "no.whl"), stand.cache])
      await expect(stand.install({ wheels: [wheel] })).rejects.toMatchObject({ code: "OPTION" });
    expect(readdirSync(stand.cache, { recursive: true })).toEqual(["wheels"]);
  });

  it("a wheel that lies about sizes, lacks a library, is encrypted, or is no zip file", async () => {
    const [cc, framework] = [...CONTENTS].map(([name, data]) => ({ name, data }));
    const cases: [readonly Parameters<typeof makeStand>[0][], RegExp][] = [
      [
        [[{ ...cc!, data: Buffer.alloc(300_001) }, framework!]],
        /another size than pinned; expected 300000.*found 300001/u,
      ],
      [[[{ ...cc!, data: Buffer.alloc(3e6), toldBytes: 300_000 }, framework!]], /cannot be unpacked: too many bytes/u],
      [[[{ ...cc!, data: Buffer.alloc(10), toldBytes: 300_000 }, framework!]], /cannot be unpacked: not enough bytes/u],
      [[[cc!]], /it has no tensorflow\/libtensorflow_framework\.so\.2/u],
      [[[{ ...cc!, isEncrypted: true }, framework!]], /cannot be unpacked: .*encrypted/u],
    ];
    for (const [[entries], message] of cases) {
      const stand = makeStand(entries);
      await expect(stand.install()).rejects.toThrow(message);
      expect(readdirSync(stand.cache, { recursive: true })).toEqual(["wheels"]);
    }
  });

  it("a cache that cannot be written, and a disk without room", async () => {
    const stand = makeStand();
    writeFileSync(join(stand.folder, "file"), "");
    await expect(stand.install({ cache: join(stand.folder, "file", "cache") })).rejects.toMatchObject({ code: "FILE" });
    const [member] = stand.wheel.members;
    const huge = { ...stand.wheel, members: [{ ...member!, bytes: 2 ** 52 }] };
    const release = { ...stand.parts.release, wheels: [huge] };
    await expect(stand.install({}, { release })).rejects.toThrow(
      /the disk is full; free at least 4503599627370496 bytes/u,
    );
  });

  it("a package that is missing, elsewhere, or of another version, with the command that helps", async () => {
    const stand = makeStand();
    const found = stand.parts.findPackage("")!;
    const command = "run npm install --ignore-scripts @tensorflow/tfjs-node-gpu@4.22.0";
    await expect(stand.install({}, { findPackage: () => undefined })).rejects.toThrow(
      `@tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node is not installed; ${command}`,
    );
    await expect(stand.install({}, { findPackage: () => ({ ...found, version: "3.0.0" }) })).rejects.toThrow(
      `expected 4.22.0, found 3.0.0; ${command}`,
    );
    const findPackage = (from: string): typeof found | undefined => (from === stand.parts.own ? undefined : found);
    await expect(stand.install({}, { findPackage })).rejects.toThrow(/install millrace in the same project/u);
  });

  it("systems without libraries, and says what works there", async () => {
    const stand = makeStand();
    const systems: [string, string, string | undefined, RegExp][] = [
      ["linux", "x64", undefined, /musl, as in Alpine.*node:20-slim.*wasm works/u],
      ["linux", "arm64", "2.36", /found linux on arm64; the backend wasm works here/u],
      ["darwin", "arm64", undefined, /found darwin on arm64.*wasm.*npm install @tensorflow\/tfjs-node@4\.22\.0/u],
      ["win32", "x64", undefined, /WSL 2/u],
    ];
    for (const [platform, arch, glibc, message] of systems)
      await expect(stand.install({}, { system: { platform, arch, glibc } })).rejects.toThrow(message);
  });

  it("to go on after an abort, with the signal's own reason", async () => {
    const stand = makeStand();
    const controller = new AbortController();
    const reason = new RangeError("enough");
    const onProgress = (event: InstallProgress): void => {
      if (event.kind === "bytes") controller.abort(reason);
    };
    await expect(stand.install({ signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(readdirSync(stand.cache)).toEqual(["wheels"]);
    expect((await stand.install()).did).toHaveLength(3);
  });
});

describe("installTensorflow with CUDA", () => {
  it("installs on a machine without a driver and says plainly that no GPU is seen, and why", async () => {
    const stand = makeStand();
    const release = { ...stand.parts.release, isCuda: true };
    const { noGpu } = await stand.install({}, { release });
    expect(noGpu).toMatch(/^there is no NVIDIA driver .*libcuda\.so\.1.*--gpus all$/u);
  });

  it("fails with what TensorFlow logs where a driver is there but no GPU is used", async () => {
    const stand = makeStand();
    put(SHIPPED_ADDON, join(stand.folder, "usr", "lib64"), "libcuda.so.1");
    const release = { ...stand.parts.release, isCuda: true };
    const probe: typeof stand.parts.probe = (options) => {
      options?.onLog?.("2026-01-01 00:00:00.1: E x/cuda_platform.cc:51] failed call to cuInit: no device\nI other\n");
      return stand.parts.probe();
    };
    await expect(stand.install({}, { release, probe })).rejects.toThrow(
      /CUDA libraries are installed, no GPU seen; .*failed call to cuInit: no device; check that nvidia-smi/u,
    );
  });

  it("changes from one release to the other and back without a download", async () => {
    const stand = makeStand();
    await stand.install();
    const wheel = writeWheel(join(stand.folder, "other"), soundEntries().toReversed());
    const release = { name: "tensorflow-other", version: "2", isCuda: false, wheels: [wheel] };
    await stand.install({ wheels: [join(stand.folder, "other")] }, { release });
    expect((await stand.install({ wheels: [] })).did).toEqual([
      `@tensorflow/tfjs-node-gpu: linked with the libraries, instead of ${join(stand.cache, "tensorflow-other")}`,
    ]);
  });
});
