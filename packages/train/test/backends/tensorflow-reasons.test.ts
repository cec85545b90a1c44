import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tempDir } from "@millrace/testkit";
import { describe, expect, it } from "vitest";

const train = fileURLToPath(new URL("../..", import.meta.url));

/** A folder in which `@millrace/train` finds this text as the package of TensorFlow, or no such package. */
function installation(tensorflow: string | undefined): string {
  const folder = tempDir();
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@millrace"), { recursive: true });
  mkdirSync(join(modules, "@tensorflow"));
  for (const part of ["dist", "src", "package.json"])
    cpSync(join(train, part), join(modules, "@millrace", "train", part), { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(join(train, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    const target = join(modules, name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(realpathSync(join(train, "node_modules", name)), target);
  }
  if (tensorflow !== undefined) {
    const stand = join(modules, "@tensorflow", "tfjs-node-gpu");
    mkdirSync(stand);
    writeFileSync(join(stand, "package.json"), JSON.stringify({ name: "@tensorflow/tfjs-node-gpu", main: "index.js" }));
    writeFileSync(join(stand, "index.js"), tensorflow);
  }
  return folder;
}

/** What `selectBackend` says there, in a process of its own. */
async function select(
  folder: string,
  choice: string,
  probeTimeoutMs = 40_000,
): Promise<{ name?: string; passedOver?: unknown; error?: string }> {
  const program = `
    import { selectBackend } from "@millrace/train";
    const answer = await selectBackend(${JSON.stringify(choice)}, { probeTimeoutMs: ${probeTimeoutMs} }).then(
      ({ backend, passedOver }) => ({ name: backend.name, passedOver }),
      ({ code, message }) => ({ error: code + " " + message }),
    );
    console.log(JSON.stringify(answer));`;
  const args = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 50_000 });
  return JSON.parse(stdout) as Awaited<ReturnType<typeof select>>;
}

const NO_ADDON = `throw new Error("The Node.js native addon module (tfjs_binding.node) can not be found at path: /x.\\n");`;
const NO_LIBRARY = `throw Object.assign(new Error("libtensorflow_cc.so.2: cannot open shared object file"), { code: "ERR_DLOPEN_FAILED" });`;

describe("without TensorFlow selectBackend takes wasm and says why:", () => {
  it.each<[when: string, tensorflow: string | undefined, reason: string]>([
    ["the package is not there", undefined, "the package @tensorflow/tfjs-node-gpu is not installed"],
    ["its addon is not there", NO_ADDON, "@tensorflow/tfjs-node-gpu is installed without its native addon"],
    [
      "a library is not there",
      NO_LIBRARY,
      "the native addon of @tensorflow/tfjs-node-gpu does not load: libtensorflow_cc.so.2: cannot open shared object file",
    ],
    [
      "loading it crashes",
      "process.abort();",
      "loading @tensorflow/tfjs-node-gpu ended the process that tried it by SIGABRT",
    ],
  ])("%s", async (_when, tensorflow, reason) => {
    const { name, passedOver } = await select(installation(tensorflow), "auto");
    expect(name).toBe("wasm");
    expect(passedOver).toEqual([{ what: "tensorflow", reason }]);
  });

  it("loading it hangs", async () => {
    const folder = installation("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);");
    const { name, passedOver } = await select(folder, "auto", 1500);
    expect(name).toBe("wasm");
    const reason = "@tensorflow/tfjs-node-gpu did not answer within 1.5 s";
    expect(passedOver).toEqual([{ what: "tensorflow", reason }]);
  });

  it("asked for by name, it fails with the same reason and the way out", async () => {
    const { error } = await select(installation(undefined), "tensorflow");
    expect(error).toBe(
      "BACKEND the backend tensorflow does not work here: the package @tensorflow/tfjs-node-gpu is not installed; " +
        "choose the backend wasm, or assemble the native part as the README of @millrace/train says",
    );
  });
});
