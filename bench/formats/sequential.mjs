import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { byteLengthOf, offsetOf, openFormat } from "../../packages/formats/dist/index.js";
import { makeShard, ROW_BYTES, ROW_SHAPE } from "./data.mjs";
import { lineOf, takeTurns, timed } from "./measure.mjs";
import { startPeer } from "./peer.mjs";

const ROWS = 1000;

/**
 * Every record of a TFRecord file in order, checksums checked on both sides, opening and indexing included; ours as the
 * loader reads them, and as samples.
 * @param {{ folder: string, rounds: number }} context
 */
export async function sequential({ folder, rounds }) {
  const { path } = await makeShard(join(folder, "sequential"), "tfrecord", { rows: ROWS, shape: ROW_SHAPE });
  const format = await openFormat("tfrecord");
  const peer = await startPeer("tensorflow", "tensorflow_read", path);
  const samples = async () => {
    const reader = await format.openReader(path);
    for (let row = 0; row < reader.length; row++) reader.read(row);
    reader.close();
  };
  const slot = new Uint8Array(new SharedArrayBuffer(ROW_BYTES));
  const fd = openSync(path, "r");
  const shared = async () => {
    const reader = await format.openReader(path);
    const extents = reader.extents("image");
    for (let row = 0; row < reader.length; row++) {
      reader.checkRow(row);
      readSync(fd, slot, 0, byteLengthOf(extents, row), offsetOf(extents, row));
    }
    reader.close();
  };
  const times = await takeTurns(
    new Map([
      ["shared", () => timed(shared)],
      ["samples", () => timed(samples)],
      ["iterate", () => peer.run("iterate")],
      ["reduce", () => peer.run("reduce")],
    ]),
    { rounds },
  );
  await peer.close();
  closeSync(fd);
  const line = (what, ours, against, method, minRatio) =>
    lineOf({
      id: `sequential ${ours} ${method}`,
      what: `TFRecord in order, ${what}`,
      against,
      ours: times.get(ours),
      theirs: times.get(method),
      scale: ROWS / 1000,
      unit: "us a record",
      minRatio,
    });
  return [
    line("into shared memory", "shared", "tf.data.TFRecordDataset, for", "iterate", 1),
    line("as samples of their own memory", "samples", "tf.data.TFRecordDataset, for", "iterate"),
    line("into shared memory", "shared", "tf.data.TFRecordDataset, reduce in its graph", "reduce"),
  ];
}
