/** What it takes to open a data set and to get its first batch, by its number of samples. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeShard, makeSynthetic } from "./synthetic.mjs";

const LENGTHS = [1e3, 1e4, 1e5, 1.28e6, 1e7];
const CHILD = fileURLToPath(new URL("open-child.mjs", import.meta.url));
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Lines of medians, of processes that take turns. @param {number} rounds */
export async function measureOpening(rounds) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-open-"));
  try {
    const shard = join(folder, "shard");
    await makeShard(shard);
    const found = new Map(LENGTHS.map((samples) => [samples, []]));
    for (const samples of LENGTHS) await makeSynthetic(shard, join(folder, String(samples)), samples);
    for (let round = -1; round < rounds; round++)
      for (const [samples, runs] of found) {
        const args = [CHILD, join(folder, String(samples)), String(round + 1)];
        const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
        if (status !== 0) throw new Error(stderr);
        // The first round brings the files into the page cache.
        if (round >= 0) runs.push(JSON.parse(stdout));
      }
    return [...found].map(([samples, runs]) => {
      const of = (name) => Number(median(runs.map((run) => run[name])).toFixed(1));
      const best = Math.min(...runs.map((run) => run.firstBatchMs));
      return {
        samples,
        openMs: of("openMs"),
        openCpuMs: of("openCpuMs"),
        firstBatchMs: of("firstBatchMs"),
        firstBatchBestMs: Number(best.toFixed(1)),
        firstBatchCpuMs: of("firstBatchCpuMs"),
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
