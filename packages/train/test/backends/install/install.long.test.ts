import { execFile, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { skipReason, tempDir } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { CPU_RELEASE } from "../../../dist/backends/install/cpu-release.js";

const train = fileURLToPath(new URL("../../..", import.meta.url));
const kept = join(train, "..", "..", ".tensorflow", "wheels", CPU_RELEASE.wheels[0]!.file);

const wheelSkip = skipReason(
  existsSync(kept),
  "the wheel of TensorFlow",
  "run millrace backend install tensorflow --cache .tensorflow --keep-wheels",
);

/** Links every package beside another one, by absolute paths. */
function linkPackages(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (name.startsWith("@")) linkPackages(join(from, name), join(to, name));
    else if (!name.startsWith(".") && !existsSync(join(to, name))) {
      mkdirSync(to, { recursive: true });
      symlinkSync(realpathSync(join(from, name)), join(to, name));
    }
  }
}

/** A project with copies of `@millrace/train` and of TensorFlow's package, as npm has unpacked them. */
function makeProject(): string {
  const project = tempDir();
  const modules = join(project, "node_modules");
  for (const part of ["dist", "src", "native", "package.json"])
    cpSync(join(train, part), join(modules, "@millrace", "train", part), { recursive: true });
  const manifest = createRequire(import.meta.url).resolve("@tensorflow/tfjs-node-gpu/package.json");
  const original = realpathSync(dirname(manifest));
  const isOwn = (path: string): boolean => dirname(path) !== original || !["deps", "lib"].includes(basename(path));
  cpSync(original, join(modules, "@tensorflow", "tfjs-node-gpu"), { recursive: true, filter: isOwn });
  linkPackages(join(original, "..", ".."), modules);
  linkPackages(join(train, "node_modules"), modules);
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  return project;
}

/** Runs a program in the project; what it prints is JSON. */
async function run(project: string, program: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const args = ["--input-type=module", "--eval", program, join(project, "cache"), kept];
  const options = { cwd: project, env: { ...process.env, ...env }, timeout: 240_000 };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  return JSON.parse(stdout) as unknown;
}

const INSTALL = `
  import { installTensorflow } from "@millrace/train/install";
  const [cache, wheel] = process.argv.slice(1);
  const report = await installTensorflow({ cache, wheels: wheel === undefined ? [] : [wheel] });
  console.log(JSON.stringify(report));`;

const TRAIN = `
  import { selectBackend } from "@millrace/train";
  const { backend } = await selectBackend("tensorflow");
  const { tf } = backend;
  const { sequential, layers } = await import("@tensorflow/tfjs-layers");
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [4], kernelInitializer: "zeros" })] });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError" });
  const [x, y] = [tf.ones([8, 4]), tf.ones([8, 1])];
  const losses = [];
  for (let step = 0; step < 20; step++) losses.push(await model.trainOnBatch(x, y));
  console.log(JSON.stringify({ first: losses[0], last: losses.at(-1), device: backend.device }));`;

describe("installTensorflow with the wheel of TensorFlow 2.15.1", () => {
  it.skipIf(wheelSkip)(
    "installs, trains 20 steps, links again after npm ci without programs, compiles where the shipped addon fails",
    async () => {
      const project = makeProject();
      const tfjs = join(project, "node_modules", "@tensorflow", "tfjs-node-gpu");
      const first = await run(project, INSTALL);
      expect(first).toMatchObject({
        release: "tensorflow-2.15.1",
        addon: "shipped",
        tensorflow: { version: "2.15.1" },
      });
      const steps = (await run(project, TRAIN)) as { first: number; last: number; device: string };
      expect(steps.first).toBe(1);
      expect(steps.last).toBeLessThan(0.01);
      expect(steps.device).toMatch(/TensorFlow 2\.15\.1/u);

      const list = `import { listBackends } from "@millrace/train/install";
        console.log(JSON.stringify(await listBackends(process.argv[1])));`;
      expect(await run(project, list)).toMatchObject([
        { name: "tensorflow", isUsable: true, libraryVersion: "2.15.1", addon: "shipped", tfjsVersion: "4.22.0" },
        { name: "wasm", isUsable: true, numThreads: 1 },
        { name: "cpu", isUsable: true, device: "CPU, JavaScript" },
      ]);

      for (const lost of ["deps", "lib"]) rmSync(join(tfjs, lost), { recursive: true });
      expect(await run(project, list)).toMatchObject([
        { isUsable: false, fix: expect.stringMatching(/^run millrace backend install tensorflow; .*no network/u) },
        { isUsable: true },
        { isUsable: true },
      ]);
      const again = INSTALL.replace("wheel === undefined ? [] : [wheel]", "[]");
      expect(await run(project, again, { PATH: "" })).toMatchObject({ did: [/linked/u, /got its addon/u].map(like) });

      writeFileSync(join(project, "node_modules/@millrace/train/native/linux-x64/tfjs_binding.node"), "no library");
      rmSync(join(tfjs, "lib"), { recursive: true });
      const compiled = await run(project, again);
      expect(compiled).toMatchObject({ addon: "compiled", tensorflow: { version: "2.15.1", isGpu: false } });
    },
    300_000,
  );

  it.skipIf(wheelSkip)(
    "goes on after SIGKILL at any of four points",
    async () => {
      const project = makeProject();
      const slow = `
      import { installTensorflow } from "@millrace/train/install";
      const [cache, wheel] = process.argv.slice(1);
      await installTensorflow({ cache, wheels: [wheel], onProgress: (event) => process.send(event) });`;
      for (const share of [0.01, 0.5, 0.95, 1]) {
        const args = ["--input-type=module", "--eval", slow, join(project, "cache"), kept];
        const child = spawn(process.execPath, args, { cwd: project, stdio: ["ignore", "ignore", "inherit", "ipc"] });
        child.on("message", (event: { kind: string; bytes: number; totalBytes: number }) => {
          if (event.kind === "bytes" ? event.bytes >= share * event.totalBytes && share < 1 : share === 1)
            child.kill("SIGKILL");
        });
        await new Promise((resolve) => child.on("close", resolve));
        expect(child.signalCode).toBe("SIGKILL");
      }
      expect(await run(project, INSTALL)).toMatchObject({ tensorflow: { usable: true } });
      expect(readdirSync(join(project, "cache"))).toEqual(["tensorflow-2.15.1"]);
    },
    300_000,
  );
});

/** A text that matches. */
function like(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

describe("the addon that ships with @millrace/train", () => {
  it("is the one that BUILD.json tells of, and is what native/build.mjs makes with the same g++", async () => {
    const build = join(train, "native", "build.mjs");
    const { stdout } = await promisify(execFile)(process.execPath, [build, "--check"], { timeout: 240_000 });
    expect(stdout).toMatch(/is what its source compiles to|built by g\+\+/u);
    expect(readFileSync(join(train, "native", "linux-x64", "NOTICE"), "utf8")).toContain("Apache License");
  });

  it("asks for nothing that Node does not need too", async () => {
    const addon = join(train, "native", "linux-x64", "tfjs_binding.node");
    const { stdout } = await promisify(execFile)("objdump", ["-T", addon]);
    const versions = [...stdout.matchAll(/\((GLIBC|GLIBCXX)_([\d.]+)\)/gu)].map(
      ([, name, version]) => `${name} ${version}`,
    );
    expect([...new Set(versions)].toSorted()).toEqual(["GLIBC 2.14", "GLIBC 2.2.5", "GLIBCXX 3.4", "GLIBCXX 3.4.18"]);
  });
});
