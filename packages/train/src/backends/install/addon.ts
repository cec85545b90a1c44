import { BackendError, fileError, temporaryPath } from "@millrace/formats";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TensorflowPackage } from "../tensorflow-environment.js";
import { runProgram, type RunOptions } from "./run-program.js";

/** The addon that comes with millrace, built by `native/build.mjs` from the package's own source: Linux, x64. */
export const SHIPPED_ADDON: string = fileURLToPath(
  new URL("../../../native/linux-x64/tfjs_binding.node", import.meta.url),
);

/** Where the package looks for its addon, below its folder. */
export const ADDON_PATH: string = join("lib", "napi-v8", "tfjs_binding.node");

/** Where the compiler finds what it needs, and what it makes. */
export interface AddonBuild {
  /** Folder of the TensorFlow package, with its source in `binding/`. */
  readonly packageFolder: string;
  /** Folder of the unpacked release, with `include/` and `lib/`. */
  readonly home: string;
  /** Folder with `node_api.h`. */
  readonly nodeHeaders: string;
  readonly output: string;
  /** Further source files. */
  readonly sources?: readonly string[];
}

const OPTIONS = [..."-O2 -std=c++17 -fPIC -shared -s -DNAPI_VERSION=8".split(" "), "-fno-ident", "-Wl,--build-id=none"];

/**
 * The arguments of g++ that make the addon. No name of a folder, no compiler's name and no build id get into it, so
 * the same compiler makes the same bytes everywhere.
 */
export function compilerArguments({ packageFolder, home, nodeHeaders, output, sources = [] }: AddonBuild): string[] {
  const binding = join(packageFolder, "binding");
  const libraries = [`-L${join(home, "lib")}`, "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"];
  return [
    ...OPTIONS,
    `-ffile-prefix-map=${binding}=binding`,
    `-I${nodeHeaders}`,
    `-I${join(home, "include")}`,
    ...sources,
    join(binding, "tfjs_backend.cc"),
    join(binding, "tfjs_binding.cc"),
    ...libraries,
    "-Wl,-rpath,$ORIGIN/../../deps/lib",
    "-o",
    output,
  ];
}

/**
 * Finds the headers of Node's C interface: beside the running Node, as its archives have them, or in the package
 * `node-api-headers` of the project.
 */
export function findNodeHeaders(from: string): string | undefined {
  const beside = join(dirname(dirname(process.execPath)), "include", "node");
  const resolved = [createRequire(from), createRequire(import.meta.url)].map((require) => {
    try {
      return join(dirname(require.resolve("node-api-headers/package.json")), "include");
    } catch {
      return undefined;
    }
  });
  return [beside, ...resolved].find((folder) => folder !== undefined && existsSync(join(folder, "node_api.h")));
}

/**
 * Compiles the addon from the source that the package carries, for a machine on which the shipped one does not load.
 * @throws {@link BackendError} if there is no compiler, no header, or it fails; `why` is told first.
 */
export async function compileAddon(
  tensorflow: TensorflowPackage,
  home: string,
  output: string,
  options: RunOptions & { readonly from: string; readonly why: string },
): Promise<void> {
  const nodeHeaders = findNodeHeaders(options.from);
  if (nodeHeaders === undefined)
    throw cannotCompile(options.why, "node_api.h was not found", "run npm install node-api-headers@1.9.0");
  const temporary = temporaryPath(output);
  try {
    const args = compilerArguments({ packageFolder: tensorflow.folder, home, nodeHeaders, output: temporary });
    const { code, stderr } = await runProgram("g++", args, options);
    if (code === undefined)
      throw cannotCompile(options.why, "g++ was not found", "install g++ (on Debian: apt-get install g++)");
    if (code !== 0)
      throw cannotCompile(options.why, `g++ failed: ${firstError(stderr)}`, "use a g++ that knows C++17, 8 or later");
    await rename(temporary, output).catch((error: unknown) => {
      throw fileError(output, "place the addon", error);
    });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

function firstError(stderr: string): string {
  const lines = stderr.split("\n");
  return (lines.find((line) => /error:|cannot find/u.test(line)) ?? lines[0] ?? "").trim();
}

function cannotCompile(why: string, problem: string, fix: string): BackendError {
  return new BackendError({
    problem: `${why}; compiling it here is not possible: ${problem}`,
    reason: "addon",
    fix: `${fix}, and run again`,
  });
}
