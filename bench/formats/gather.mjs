import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { byteLengthOf, offsetOf, openDataset, openShard } from "../../packages/formats/dist/index.js";
import { makeShard, ROW_BYTES, ROW_SHAPE } from "./data.mjs";
import { lineOf, takeTurns } from "./measure.mjs";
import { makeFile, startPeer } from "./peer.mjs";

const ROWS = 1000;
const GATHER = 64;
/** Milliseconds of a gather become microseconds of a row. */
const SCALE = GATHER / 1000;

/**
 * 64 random rows into shared memory: by the extents of millrace, by preads at places that are known, by Python.
 * @param {{ folder: string, rounds: number }} context
 */
export async function gather({ folder, rounds }) {
  const chunked = join(folder, "chunked.h5");
  await makeFile("h5py", "h5py_make", chunked, "chunked", { rows: ROWS, shape: ROW_SHAPE });
  const oneBatch = join(folder, "one-batch.arrow");
  await makeFile("pyarrow", "pyarrow_make", oneBatch, "one_batch", { rows: ROWS, bytes: ROW_BYTES });
  const options = { rows: ROWS, shape: ROW_SHAPE };
  const hdf5 = await makeShard(join(folder, "gather-hdf5"), "hdf5", options);
  const arrow = await makeShard(join(folder, "gather-arrow"), "arrow", options);
  return [
    ...(await hdf5Lines("HDF5, contiguous", 1.5, hdf5, rounds)),
    ...(await hdf5Lines("HDF5, chunk = 1 row", 2.5, await foreign(chunked), rounds)),
    ...(await arrowLines("Arrow, one record batch", "Array.take", 1, await foreign(oneBatch), rounds)),
    ...(await arrowLines("Arrow, our record batches", "Table.take", 10, arrow, rounds)),
  ];
}

/** A synchronous job with its milliseconds. @param {() => void} job */
function clock(job) {
  return () => {
    const start = performance.now();
    job();
    return performance.now() - start;
  };
}

async function foreign(path) {
  const dataset = await openDataset(path);
  dataset.close();
  return dataset.split("train").shards[0];
}

/** @returns {Promise<Map<string, number[]>>} milliseconds of gathers: `ours`, `pread`, and of each method */
async function race(location, oracle, group, methods, rounds) {
  const shard = await openShard(location);
  const extents = shard.reader.extents("image");
  const fd = openSync(location.path, "r");
  const slots = new Uint8Array(new SharedArrayBuffer(GATHER * ROW_BYTES));
  const offsets = Array.from({ length: ROWS }, (_, row) => offsetOf(extents, row));
  const peer = await startPeer(oracle, group, location.path);
  let round = 0;
  let rows = [];
  /** The rows of a round, the same for all. */
  const next = () => (rows = Array.from({ length: GATHER }, (_, j) => (++round * 7919 + j * 104729) % ROWS));
  const ours = clock(() => {
    for (let j = 0; j < GATHER; j++) {
      const row = rows[j];
      readSync(fd, slots, j * ROW_BYTES, byteLengthOf(extents, row), offsetOf(extents, row));
    }
  });
  const bare = clock(() => {
    for (let j = 0; j < GATHER; j++) readSync(fd, slots, j * ROW_BYTES, ROW_BYTES, offsets[rows[j]]);
  });
  const candidates = new Map([
    ["ours", () => (next(), ours())],
    ["pread", bare],
    ...methods.map((method) => [method, () => peer.run(method, rows)]),
  ]);
  const times = await takeTurns(candidates, { rounds, warmUp: Math.min(3, rounds) });
  await peer.close();
  closeSync(fd);
  shard.close();
  return times;
}

async function hdf5Lines(what, minRatio, location, rounds) {
  const loops = ["index", "direct", "low_level"];
  const times = await race(location, "h5py", "h5py_gather", loops, rounds);
  const [best] = loops.toSorted((a, b) => median(times.get(a)) - median(times.get(b)));
  // Of chunks it takes seconds.
  const fancy = await race(location, "h5py", "h5py_gather", ["fancy"], Math.min(rounds, 5));
  return [
    line(what, "h5py, fancy index", "fancy", 10, fancy),
    line(what, `h5py, best loop (${best})`, best, minRatio, times),
    line(what, "bare preads", "pread", 0.77, times),
  ];
}

async function arrowLines(what, method, minRatio, location, rounds) {
  const times = await race(location, "pyarrow", "pyarrow_gather", [method], rounds);
  return [line(what, `pyarrow ${method}`, method, minRatio, times), line(what, "bare preads", "pread", 0.77, times)];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function line(what, against, method, minRatio, times) {
  return lineOf({
    id: `gather ${what} ${method}`,
    what: `gather of 64 rows, ${what}`,
    against,
    ours: times.get("ours"),
    theirs: times.get(method),
    scale: SCALE,
    unit: "us a row",
    minRatio,
  });
}
