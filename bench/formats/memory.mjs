import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FORMAT_NAMES } from "../../packages/formats/dist/index.js";
import { lineOf } from "./measure.mjs";

const CHILD = fileURLToPath(new URL("memory-child.mjs", import.meta.url));
const run = promisify(execFile);

/**
 * The most memory of a process that writes a dataset of so many GiB, in shards of 1 GiB.
 * @param {{ folder: string, gib: number }} context
 */
export async function memory({ folder, gib }) {
  const lines = [];
  for (const format of FORMAT_NAMES) {
    const { stdout } = await run(process.execPath, [CHILD, join(folder, format), format, String(gib)]);
    lines.push(
      lineOf({
        id: `memory ${format}`,
        what: `resident memory while writing ${gib} GiB of shards, ${format}`,
        against: "",
        ours: [Number(stdout)],
        unit: "MiB",
        maxOurs: 300,
      }),
    );
  }
  return lines;
}
