import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createShard, FORMAT_NAMES } from "../../packages/formats/dist/index.js";
import { fill, ROW_BYTES, ROW_SHAPE } from "./data.mjs";
import { lineOf, takeTurns, timed } from "./measure.mjs";

const ROWS = 512;
const DISTINCT_ROWS = 64;
const TMPFS = "/dev/shm";

/**
 * A shard of 512 rows of 150,528 bytes, checksums and fsync included, against plain writes of the same rows, fsync
 * and rename.
 * @param {{ folder: string, rounds: number }} context
 */
export async function write({ folder, rounds }) {
  const lines = await race("to disk, fsync", folder, 0.7, Math.min(rounds, 5));
  if (!existsSync(TMPFS)) return lines;
  const shm = mkdtempSync(join(TMPFS, "millrace-bench-"));
  try {
    return [...lines, ...(await race("to tmpfs", shm, 0.45, Math.min(rounds, 9)))];
  } finally {
    rmSync(shm, { recursive: true, force: true });
  }
}

async function race(where, folder, minRatio, rounds) {
  const rows = Array.from({ length: DISTINCT_ROWS }, (_, n) => fill(new Uint8Array(ROW_BYTES), n));
  const root = join(folder, "shards");
  const candidates = new Map([
    ["plain", afterwards(root, () => timed(() => writePlain(join(folder, "plain"), rows)), join(folder, "plain"))],
    ...FORMAT_NAMES.map((format) => [format, afterwards(root, () => timed(() => writeShard(root, format, rows)))]),
  ]);
  const times = await takeTurns(candidates, { rounds, warmUp: 1 });
  return FORMAT_NAMES.map((format) =>
    lineOf({
      id: `write ${where} ${format}`,
      what: `write 512 rows of 150,528 bytes ${where}, ${format}`,
      against: "plain writes",
      ours: times.get(format),
      theirs: times.get("plain"),
      minRatio,
    }),
  );
}

/** What was written is deleted when the clock has stopped. */
function afterwards(root, run, file = root) {
  return async () => {
    const ms = await run();
    rmSync(root, { recursive: true, force: true });
    rmSync(file, { recursive: true, force: true });
    return ms;
  };
}

function writePlain(path, rows) {
  const fd = openSync(`${path}.tmp`, "wx");
  for (let n = 0; n < ROWS; n++) writeSync(fd, rows[n % DISTINCT_ROWS]);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${path}.tmp`, path);
}

async function writeShard(root, format, rows) {
  const schema = { fields: [{ name: "image", kind: "tensor", dtype: "uint8", shape: ROW_SHAPE }] };
  const builder = await createShard(root, { split: "train", number: 0, format, schema, expectedSamples: ROWS });
  for (let n = 0; n < ROWS; n++) await builder.write(new Map([["image", rows[n % DISTINCT_ROWS]]]));
  await builder.finish();
}
