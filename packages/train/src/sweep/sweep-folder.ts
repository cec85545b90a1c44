import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, makeFolder, StateError, writeFileAtomic } from "@millrace/formats";
import { z } from "zod";
import type { RunSettings } from "../logs/hyperparameters.js";
import type { SweepRun } from "./sweep-report.js";

const Value = z.union([z.string(), z.number(), z.boolean()]);
const sweepSchema = z.object({ settings: z.record(z.string(), Value) });
const resultSchema = z.object({
  settings: z.record(z.string(), Value),
  metrics: z.record(z.string(), z.number()),
  wallMs: z.number().min(0),
});

/** The folder of a sweep: `sweep.json` says what all runs share, `<run>/result.json` what a finished run found. */
export class SweepFolder {
  private constructor(readonly dir: string) {}

  /**
   * Makes the folder, or opens that of the same sweep.
   * @throws {@link StateError} if it holds a sweep with other settings; {@link FileError} if the system refuses.
   */
  static async open(dir: string, settings: RunSettings): Promise<SweepFolder> {
    const file = join(dir, "sweep.json");
    const shared = sorted(settings);
    const found = await readJson(file, sweepSchema);
    if (found !== undefined && JSON.stringify(sorted(found.settings)) !== JSON.stringify(shared)) {
      throw new StateError({
        file,
        problem: "is of a sweep with other settings, whose runs cannot be compared with these",
        expected: JSON.stringify(shared),
        found: JSON.stringify(found.settings),
        fix: "name another folder",
      });
    }
    await makeFolder(dir, "make the folder of the sweep");
    if (found === undefined) await writeFileAtomic(file, json({ settings: shared }));
    return new SweepFolder(dir);
  }

  /** Makes the folder of a run and returns its path. */
  async runFolder(name: string): Promise<string> {
    const dir = join(this.dir, name);
    await makeFolder(dir, "make the folder of the sweep");
    return dir;
  }

  /** The run if it is finished. @throws {@link StateError} if its result is damaged. */
  async readResult(name: string): Promise<SweepRun | undefined> {
    const found = await readJson(join(this.dir, name, "result.json"), resultSchema);
    return found === undefined ? undefined : { ...found, name, error: undefined, wasKept: true };
  }

  async writeResult({ name, settings, metrics, wallMs }: SweepRun): Promise<void> {
    await writeFileAtomic(join(this.dir, name, "result.json"), json({ settings, metrics, wallMs }));
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function sorted(settings: RunSettings): RunSettings {
  return Object.fromEntries(Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw fileError(file, "read", error);
    throw new StateError({ file, problem: "is damaged", fix: "remove it, and its run is repeated", cause: error });
  }
}
