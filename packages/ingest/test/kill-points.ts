import { isMillraceError, verifyDataset, type FormatName } from "@millrace/formats";
import { convert, type ConvertOptions } from "@millrace/ingest";
import { tempDir } from "@millrace/testkit";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { convertInChild } from "./convert-child.js";
import { writeClasses, writeFile } from "./image-files.js";
import { diff } from "./tree.js";

/** Counts the calls that make, move and remove files, and ends its process by SIGKILL in place of the one of number `killAt`. */
function killer(countFile: string, killAt: number): string {
  return `
    const fs = require("node:fs");
    const { isMainThread } = require("node:worker_threads");
    let calls = 0;
    const watch = (object, name) => {
      const call = object[name];
      object[name] = function (...args) {
        if (++calls === ${killAt}) process.kill(process.pid, "SIGKILL");
        return call.apply(this, args);
      };
    };
    if (isMainThread) {
      for (const name of ["mkdir", "open", "rename", "rm", "rmdir", "unlink", "writeFile"]) watch(fs.promises, name);
      for (const name of ["openSync", "renameSync", "rmSync", "unlinkSync", "writeFileSync"]) watch(fs, name);
      require("node:module").syncBuiltinESMExports();
      process.on("exit", () => fs.writeFileSync(${JSON.stringify(countFile)}, String(calls)));
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

async function run(
  options: ConvertOptions,
  folder: string,
  killAt: number,
): Promise<{ killed: boolean; calls: number }> {
  const hook = join(folder, "killer.cjs");
  const countFile = join(folder, "calls");
  writeFile(hook, killer(countFile, killAt));
  const { signal, code } = await convertInChild(options, undefined, { NODE_OPTIONS: `--require=${hook}` }).end;
  if (signal === null) expect(code).toBe(0);
  return { killed: signal === "SIGKILL", calls: signal === null ? Number(readFileSync(countFile, "utf8")) : 0 };
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
  const counted = await prepared({ ...options, out: join(folder, "counted") });
  return { options, undisturbed, calls: (await run(counted, folder, 0)).calls };
}

async function prepared(options: ConvertOptions): Promise<ConvertOptions> {
  if (options.overwrite === true) await convert({ ...options, size: 5, samplesPerShard: 2, valFraction: 0.3 });
  return options;
}

/**
 * Kills a conversion in place of call number `killAt`, runs the same one again, and expects the undisturbed result. In
 * between, what is visible as a dataset must be whole.
 */
export async function surviveKill(killCase: KillCase, killAt: number): Promise<void> {
  const folder = tempDir();
  const options = await prepared({ ...killCase.options, out: join(folder, "shards") });
  expect((await run(options, folder, killAt)).killed).toBe(true);
  if (existsSync(join(options.out, "dataset.json"))) expect((await verifyDataset(options.out)).damages).toEqual([]);
  await convertUnlessFinished(options);
  expect(diff(killCase.undisturbed, options.out)).toBe("");
}

/** A kill in the very last calls leaves a finished dataset, which the same command does not touch. */
export async function convertUnlessFinished(options: ConvertOptions): Promise<void> {
  try {
    await convert(options);
  } catch (error) {
    if (!isMillraceError(error, "OPTION") || !error.message.includes("holds a finished dataset")) throw error;
  }
}
