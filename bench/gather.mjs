/**
 * `node bench/gather.mjs`: reading 64 random rows of 150,528 bytes (224 x 224 x 3) into shared memory by the extents of
 * millrace, against h5py and pyarrow on the same files, page cache warm, one thread on each side. The candidates take
 * turns. The ratio is theirs divided by ours: above 1, ours is faster. Needs the environments of
 * `node scripts/oracles.mjs`. Writes bench/results/gather.json.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { byteLengthOf, createDataset, offsetOf, openDataset, openShard } from "../packages/formats/dist/index.js";

const ROWS = 1000;
const ROW = 224 * 224 * 3;
const GATHER = 64;
const ROUNDS = 40;
const WARM_UP_ROUNDS = 5;

/** Answers each line `<method> <rows as JSON>` with the nanoseconds of one gather. */
const PEER = `
import json, sys, time
import numpy as np
kind, path = sys.argv[1:3]
out = np.empty((${GATHER}, ${ROW}), np.uint8)
if kind == "h5py":
    import h5py
    d = h5py.File(path, "r")["image"]
    flat = out.reshape((${GATHER},) + d.shape[1:])
    def fancy(rows):
        order = np.argsort(rows); got = d[np.asarray(rows)[order]]; flat[order] = got
    def loop(rows):
        for j, i in enumerate(rows): flat[j] = d[i]
    methods = {"fancy": fancy, "loop": loop}
else:
    import pyarrow as pa
    t = pa.ipc.open_file(pa.memory_map(path)).read_all().select(["image"])
    methods = {"Table.take": lambda rows: t.take(pa.array(rows)).combine_chunks()}
print("ready", flush=True)
for line in sys.stdin:
    name, rows = line.split(" ", 1)
    rows = json.loads(rows)
    t0 = time.perf_counter_ns(); methods[name](rows); print(time.perf_counter_ns() - t0, flush=True)
`;

/** @param {string} format */
async function makeShard(folder, format) {
  const root = join(folder, format);
  const schema = { fields: [{ name: "image", kind: "tensor", dtype: "uint8", shape: [224, 224, 3] }] };
  const writer = await createDataset(root, { schema, format });
  const image = new Uint8Array(ROW);
  for (let n = 0; n < ROWS; n++) {
    for (let i = n % 7; i < ROW; i += 7) image[i] = (n * 31 + i) & 255;
    await writer.write(new Map([["image", image]]));
  }
  await writer.finish();
  const dataset = await openDataset(root);
  return dataset.split("train").shards[0];
}

/** @param {string} kind @param {string} path */
async function startPeer(kind, path) {
  const python = fileURLToPath(new URL(`../.oracles/${kind}/bin/python`, import.meta.url));
  const child = spawn(python, ["-c", PEER, kind, path], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    /** @param {string} method @param {number[]} rows */
    async run(method, rows) {
      child.stdin.write(`${method} ${JSON.stringify(rows)}\n`);
      return Number((await lines.next()).value);
    },
    close: () => child.kill(),
  };
}

/** @param {readonly number[]} values */
function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction) => sorted[Math.floor(fraction * (sorted.length - 1))] / GATHER / 1000;
  return { medianUs: at(0.5), lowUs: at(0.25), highUs: at(0.75) };
}

/** @param {string} format @param {string} kind @param {readonly string[]} methods */
async function compare(folder, format, kind, methods) {
  const location = await makeShard(folder, format);
  const shard = await openShard(location);
  const extents = shard.reader.extents("image");
  const fd = openSync(location.path, "r");
  const slots = new Uint8Array(new SharedArrayBuffer(GATHER * ROW));
  const peer = await startPeer(kind, location.path);
  const times = new Map(["ours", ...methods].map((name) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const rows = Array.from({ length: GATHER }, (_, j) => ((round + 9) * 7919 + j * 104729) % ROWS);
    const start = process.hrtime.bigint();
    for (const [j, row] of rows.entries())
      readSync(fd, slots, j * ROW, byteLengthOf(extents, row), offsetOf(extents, row));
    const ours = Number(process.hrtime.bigint() - start);
    if (round >= 0) times.get("ours").push(ours);
    for (const method of methods) {
      const theirs = await peer.run(method, rows);
      if (round >= 0) times.get(method).push(theirs);
    }
  }
  peer.close();
  closeSync(fd);
  shard.close();
  const ours = summary(times.get("ours"));
  return methods.map((method) => {
    const theirs = summary(times.get(method));
    return {
      format,
      theirs: `${kind} ${method}`,
      oursUs: ours,
      theirsUs: theirs,
      ratio: theirs.medianUs / ours.medianUs,
    };
  });
}

/** @param {{ medianUs: number, lowUs: number, highUs: number }} times */
function spread({ medianUs, lowUs, highUs }) {
  return `${medianUs.toFixed(1)} [${lowUs.toFixed(1)}..${highUs.toFixed(1)}]`;
}

const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
try {
  const results = [
    ...(await compare(folder, "hdf5", "h5py", ["fancy", "loop"])),
    ...(await compare(folder, "arrow", "pyarrow", ["Table.take"])),
  ];
  for (const { format, theirs, oursUs, theirsUs, ratio } of results) {
    process.stdout.write(
      `${format}: ours ${spread(oursUs)} us/row, ${theirs} ${spread(theirsUs)} us/row, ratio ${ratio.toFixed(1)}\n`,
    );
  }
  mkdirSync(new URL("results/", import.meta.url), { recursive: true });
  const document = {
    bench: "gather",
    rowBytes: ROW,
    rows: GATHER,
    cpu: cpus()[0]?.model,
    node: process.version,
    results,
  };
  writeFileSync(new URL("results/gather.json", import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
