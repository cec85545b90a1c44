import { isMillraceError, verifyDataset, type FormatName } from "@millrace/formats";
import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { convertInChild } from "./convert-child.js";
import { writeClasses, writeFile } from "./image-files.js";
import { diff } from "./tree.js";

/** What a process does at each of its calls that make, move or remove files, before the call. */
interface AtCalls {
  /** Ends itself by SIGKILL in place of the call of this number; 0: never. */
  readonly killAt: number;
  /** Copies the folder of the dataset to `<copies>/<number of the call>`; while it does so nothing else of it runs. */
  readonly copies?: string;
}

/** Watches the calls, counts them, and does as it is told at each. */
function hook(folder: string, { killAt, copies }: AtCalls): string {
  const [work, to, countFile] = [join(folder, "work"), copies, join(folder, "calls")].map((path) =>
    JSON.stringify(path ?? ""),
  );
  return `
    const fs = require("node:fs");
    const { isMainThread } = require("node:worker_threads");
    const { cpSync, existsSync, mkdirSync } = fs;
    let calls = 0;
    let isCopying = false;
    const copy = () => {
      isCopying = true;
      const to = ${to} + "/" + calls;
      if (existsSync(${work})) cpSync(${work}, to, { recursive: true, preserveTimestamps: true });
      else mkdirSync(to, { recursive: true });
      isCopying = false;
    };
    const watch = (object, name) => {
      const call = object[name];
      object[name] = function (...args) {
        if (isCopying) return call.apply(this, args);
        if (++calls === ${killAt}) process.kill(process.pid, "SIGKILL");
        if (${to} !== "") copy();
        return call.apply(this, args);
      };
    };
    if (isMainThread) {
      for (const name of ["mkdir", "open", "rename", "rm", "rmdir", "unlink", "writeFile"]) watch(fs.promises, name);
      for (const name of ["openSync", "renameSync", "rmSync", "unlinkSync", "writeFileSync"]) watch(fs, name);
      require("node:module").syncBuiltinESMExports();
      process.on("exit", () => {
        isCopying = true;
        fs.writeFileSync(${countFile}, String(calls));
      });
    }
  `;
}

/** A conversion into two shards with a reject, and an undisturbed one to compare with. */
export interface KillCase {
  readonly options: ConvertOptions;
  readonly undisturbed: string;
  /** Calls that make, move and remove files in a run from beginning to end. */
  readonly calls: number;
}

/** Runs a conversion into `<folder>/work/shards` in a process of its own. */
async function run(
  options: ConvertOptions,
  folder: string,
  atCalls: AtCalls,
): Promise<{ killed: boolean; calls: number }> {
  const file = join(folder, "hook.cjs");
  writeFile(file, hook(folder, atCalls));
  const { signal, code } = await convertInChild(options, undefined, { NODE_OPTIONS: `--require=${file}` }).end;
  if (signal === null) expect(code).toBe(0);
  const calls = signal === null ? Number(readFileSync(join(folder, "calls"), "utf8")) : 0;
  return { killed: signal === "SIGKILL", calls };
}

/** `overwrite`: a finished dataset of other options is in the way and is to be replaced. */
export async function createKillCase(format: FormatName, overwrite: boolean): Promise<KillCase> {
  const folder = tempDir();
  const source = join(folder, "photos");
  await writeClasses(source, ["cat", "dog"], 3);
  writeFile(join(source, "cat/text.png"), "no image");
  const options = { source, out: "", format, size: 4, samplesPerShard: 4, numWorkers: 0, overwrite } as const;
  const undisturbed = join(folder, "undisturbed");
  await convert({ ...options, out: undisturbed });
  const counted = await prepared(options, folder);
  return { options, undisturbed, calls: (await run(counted, folder, { killAt: 0 })).calls };
}

async function prepared(options: ConvertOptions, folder: string): Promise<ConvertOptions> {
  const changed = { ...options, out: join(folder, "work", "shards") };
  if (options.overwrite === true) await convert({ ...changed, size: 5, samplesPerShard: 2, valFraction: 0.3 });
  return changed;
}

/** Kills a conversion in place of call number `killAt`, and goes on as {@link goOn}. */
export async function surviveKill(killCase: KillCase, killAt: number): Promise<void> {
  const folder = tempDir();
  const options = await prepared(killCase.options, folder);
  expect((await run(options, folder, { killAt })).killed).toBe(true);
  await goOn(killCase, options);
}

/**
 * What a process that is killed leaves is what its files are at that moment: goes on from a copy that was made at each
 * call, when the process that made them has ended.
 */
export async function surviveKills(killCase: KillCase): Promise<void> {
  const folder = tempDir();
  const options = await prepared(killCase.options, folder);
  const copies = join(folder, "copies");
  const { calls } = await run(options, folder, { killAt: 0, copies });
  expect(calls).toBe(killCase.calls);
  for (let killAt = 1; killAt <= calls; killAt++) {
    rmSync(join(folder, "work"), { recursive: true, force: true });
    renameSync(join(copies, String(killAt)), join(folder, "work"));
    try {
      await goOn(killCase, options);
    } catch (cause) {
      throw new Error(`as if killed at call ${killAt} of ${calls}`, { cause });
    }
  }
}

/**
 * Runs a conversion again that was killed, and expects the undisturbed result. Before that, what is visible as a dataset
 * must be whole.
 */
async function goOn({ undisturbed }: KillCase, options: ConvertOptions): Promise<void> {
  if (existsSync(join(options.out, "dataset.json"))) expect((await verifyDataset(options.out)).damages).toEqual([]);
  await convertUnlessFinished(options);
  expect(diff(undisturbed, options.out)).toBe("");
}

/** A kill in the very last calls leaves a finished dataset, which the same command does not touch. */
export async function convertUnlessFinished(options: ConvertOptions): Promise<void> {
  try {
    await convert(options);
  } catch (error) {
    if (!isMillraceError(error, "OPTION") || !error.message.includes("holds a finished dataset")) throw error;
  }
}
