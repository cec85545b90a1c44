import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tempDir } from "@millrace/testkit";
import { expect, it } from "vitest";

const train = fileURLToPath(new URL("../..", import.meta.url));

/** A folder in which `@millrace/train` finds this program as the package of TensorFlow, or no such package. */
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

interface Try {
  readonly choice: "auto" | "tensorflow";
  /** What the package of TensorFlow does when it is loaded. */
  readonly fault?: keyof typeof FAULTS;
  readonly probeTimeoutMs?: number;
}

/** What `selectBackend` says to each try, in one process of its own. */
async function select(folder: string, tries: readonly Try[]): Promise<unknown[]> {
  const program = `
    import { selectBackend } from "@millrace/train";
    const answers = [];
    for (const { choice, fault, probeTimeoutMs = 40_000 } of ${JSON.stringify(tries)}) {
      process.env.FAULT = fault;
      answers.push(await selectBackend(choice, { probeTimeoutMs }).then(
        ({ backend, passedOver }) => ({ name: backend.name, passedOver }),
        ({ code, message }) => ({ code, message }),
      ));
    }
    console.log(JSON.stringify(answers));`;
  const args = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: 50_000 });
  return JSON.parse(stdout) as unknown[];
}

const FAULTS = {
  addon: `throw new Error("The Node.js native addon module (tfjs_binding.node) can not be found at path: x.\\n");`,
  library: `throw Object.assign(new Error("libtensorflow_cc.so.2: cannot open"), { code: "ERR_DLOPEN_FAILED" });`,
  crash: "process.abort();",
  hang: "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
} as const;

it("selectBackend takes wasm where TensorFlow fails to load, crashes or hangs, and says which", async () => {
  const cases = Object.entries(FAULTS).map(([fault, program]) => `case "${fault}": ${program}`);
  const folder = installation(`switch (process.env.FAULT) { ${cases.join(" break; ")} }`);
  const answers = await select(folder, [
    { choice: "auto", fault: "addon" },
    { choice: "auto", fault: "library" },
    { choice: "auto", fault: "crash" },
    { choice: "auto", fault: "hang", probeTimeoutMs: 1500 },
  ]);
  const reasons = [
    "@tensorflow/tfjs-node-gpu is installed without its native addon",
    "the native addon of @tensorflow/tfjs-node-gpu does not load: libtensorflow_cc.so.2: cannot open",
    "loading @tensorflow/tfjs-node-gpu ended the process that tried it by SIGABRT",
    "@tensorflow/tfjs-node-gpu did not answer within 1.5 s",
  ];
  expect(answers).toEqual(reasons.map((reason) => ({ name: "wasm", passedOver: [{ what: "tensorflow", reason }] })));
});

it("selectBackend takes wasm where TensorFlow is not installed, and asked for it by name gives the way out", async () => {
  const answers = await select(installation(undefined), [{ choice: "auto" }, { choice: "tensorflow" }]);
  const reason = "the package @tensorflow/tfjs-node-gpu is not installed";
  const message =
    `the backend tensorflow does not work here: ${reason}; ` +
    "run millrace backend install tensorflow, or choose the backend wasm";
  expect(answers).toEqual([
    { name: "wasm", passedOver: [{ what: "tensorflow", reason }] },
    { code: "BACKEND", message },
  ]);
});
