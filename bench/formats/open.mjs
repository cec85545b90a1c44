import { join } from "node:path";
import { openFormat } from "../../packages/formats/dist/index.js";
import { makeShard } from "./data.mjs";
import { lineOf, takeTurns, timed } from "./measure.mjs";
import { makeFile, startPeer } from "./peer.mjs";

const ROWS = 100_000;
const SHAPE = [64];

/** Opening a file until the place of every sample of every field is known. @param {{ folder: string, rounds: number }} context */
export async function open({ folder, rounds }) {
  const chunked = join(folder, "chunked.h5");
  await makeFile("h5py", "h5py_make", chunked, "chunked", { rows: ROWS, shape: SHAPE });
  const lines = [];
  for (const [format, maxOurs, oracle, group, method] of [
    ["hdf5", 5, "h5py", "h5py_open", "contiguous"],
    ["arrow", 5, "pyarrow", "pyarrow_open", "open"],
    ["tfrecord"],
    ["webdataset"],
  ]) {
    const { path } = await makeShard(join(folder, format), format, { rows: ROWS, shape: SHAPE, label: true });
    const what = format === "hdf5" ? "contiguous HDF5" : format;
    lines.push(await race({ what, format, path, maxOurs, oracle, group, method, rounds }));
  }
  const row = { what: "row-chunked HDF5", format: "hdf5", path: chunked, maxOurs: 150 };
  lines.push(await race({ ...row, oracle: "h5py", group: "h5py_open", method: "chunked", rounds }));
  return lines;
}

async function race({ what, format, path, maxOurs, oracle, group, method, rounds }) {
  const opened = await openFormat(format);
  const ours = async () => {
    const reader = await opened.openReader(path);
    for (const { name } of reader.schema.fields) reader.extents(name);
    reader.close();
  };
  const peer = oracle === undefined ? undefined : await startPeer(oracle, group, path);
  const candidates = new Map([["ours", () => timed(ours)]]);
  if (peer !== undefined) candidates.set("theirs", () => peer.run(method));
  const times = await takeTurns(candidates, { rounds });
  await peer?.close();
  return lineOf({
    id: `open ${what}`,
    what: `open ${ROWS.toLocaleString("en-US")} samples, ${what}`,
    against: oracle === undefined ? "" : `${oracle}${method === "chunked" ? ", chunk_iter" : ""}`,
    ours: times.get("ours"),
    theirs: times.get("theirs"),
    maxOurs,
  });
}
