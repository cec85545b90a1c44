import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32c, openFormat } from "../../packages/formats/dist/index.js";
import { lineOf, takeTurns, timed } from "./measure.mjs";

const SAMPLES = 100_000;

/**
 * Finding the samples of a file without an index, against a loop that reads nothing but each header and adds up. The
 * payloads are holes: no scan looks at them. Small payloads come by the dozen in each read-ahead, large ones do not.
 * @param {{ folder: string, rounds: number }} context
 */
export async function scan({ folder, rounds }) {
  const lines = [];
  for (const bytes of [3000, 110_000]) {
    const tar = join(folder, `${bytes}.tar`);
    makeTar(tar, bytes);
    const member = { fields: [{ name: "image", kind: "bytes", encoding: "jpeg" }] };
    lines.push(await race("tar", "webdataset", tar, bytes, member, scanTar, rounds));
    const records = join(folder, `${bytes}.tfrecord`);
    makeRecords(records, bytes);
    lines.push(await race("TFRecord", "tfrecord", records, bytes, member, scanRecords, rounds));
  }
  return lines;
}

async function race(what, format, path, bytes, schema, bare, rounds) {
  const opened = await openFormat(format);
  const ours = async () => {
    const reader = await opened.openReader(path, { schema });
    if (reader.length !== SAMPLES) throw new Error(`${reader.length} samples found`);
    reader.close();
  };
  const theirs = () => {
    const fd = openSync(path, "r");
    const found = bare(fd);
    closeSync(fd);
    if (found !== SAMPLES) throw new Error(`${found} headers found`);
  };
  const times = await takeTurns(
    new Map([
      ["ours", () => timed(ours)],
      ["theirs", () => timed(theirs)],
    ]),
    { rounds: Math.min(rounds, 5), warmUp: 1 },
  );
  return lineOf({
    id: `scan ${what} ${bytes}`,
    what: `index by scan, ${what} of ${SAMPLES.toLocaleString("en-US")} x ${bytes.toLocaleString("en-US")} bytes`,
    against: "bare header scan",
    ours: times.get("ours"),
    theirs: times.get("theirs"),
    minRatio: 0.7,
  });
}

function scanTar(fd) {
  const { size } = fstatSync(fd);
  const header = Buffer.alloc(512);
  let found = 0;
  for (let at = 0; at + 1024 < size; found++) {
    readSync(fd, header, 0, 512, at);
    const bytes = Number.parseInt(header.latin1Slice(124, 135), 8);
    at += 512 + Math.ceil(bytes / 512) * 512;
  }
  return found;
}

function scanRecords(fd) {
  const { size } = fstatSync(fd);
  const header = Buffer.alloc(12);
  let found = 0;
  for (let at = 0; at < size; found++) {
    readSync(fd, header, 0, 12, at);
    at += 16 + header.readUInt32LE(0) + header.readUInt32LE(4) * 2 ** 32;
  }
  return found;
}

function makeTar(path, bytes) {
  const fd = openSync(path, "w");
  const stride = 512 + Math.ceil(bytes / 512) * 512;
  for (let n = 0; n < SAMPLES; n++)
    writeSync(fd, tarHeader(`${String(n).padStart(8, "0")}.jpg`, bytes), 0, 512, n * stride);
  ftruncateSync(fd, SAMPLES * stride + 1024);
  closeSync(fd);
}

function tarHeader(name, size) {
  const header = Buffer.alloc(512);
  header.write(name, 0, "latin1");
  header.write("0000644", 100, "latin1");
  header.write(size.toString(8).padStart(11, "0"), 124, "latin1");
  header.write("        0", 148, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

function makeRecords(path, bytes) {
  const fd = openSync(path, "w");
  const header = Buffer.alloc(12);
  header.writeUInt32LE(bytes, 0);
  header.writeUInt32LE(masked(header.subarray(0, 8)), 8);
  for (let n = 0; n < SAMPLES; n++) writeSync(fd, header, 0, 12, n * (bytes + 16));
  ftruncateSync(fd, SAMPLES * (bytes + 16));
  closeSync(fd);
}

/** The mask of TFRecord. */
function masked(bytes) {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
