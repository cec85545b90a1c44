// A child process that uses damaged files and says how each use ends, so that a hang or a crash ends this process and
// not the tests. It gets { id, path, use, edits, sound } and answers { id, results, values, slowestMs, peakBytes }.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { createHash } from "node:crypto";
import {
  byteLengthOf,
  decodeShardIndex,
  endOf,
  isMillraceError,
  offsetOf,
  openDataset,
  openFormat,
  parseManifest,
  recoverTfrecord,
  sampleBytes,
  verifyDataset,
} from "@millrace/formats";
import { imageHeader } from "@millrace/image";

/** CPU time from which a use is measured again. */
const SLOW_MS = 500;

/** Rows that are read of a shard; one that claims more is read at both ends. */
const MAX_ROWS = 1000;

function addSample(hash, sample) {
  for (const [name, value] of sample) {
    const shape = typeof value === "string" || !("shape" in value) ? "" : value.shape.join();
    const bytes = sampleBytes(value);
    hash.update(`${name} ${shape} ${bytes.length} `).update(bytes);
  }
}

/** What a shard gives, as a digest: schema, attributes, samples. Its extents have to lead to the same bytes. */
async function valuesOfShard(path, { format, schema }) {
  const reader = await (await openFormat(format)).openReader(path, { schema });
  try {
    const hash = createHash("sha256");
    hash.update(JSON.stringify([reader.schema.fields, [...reader.attributes], reader.length]));
    const rows = reader.length > MAX_ROWS ? [0, reader.length - 1] : [...Array(reader.length).keys()];
    const file = readFileSync(path);
    const extents = new Map(reader.schema.fields.map(({ name }) => [name, reader.extents(name)]));
    for (const row of rows) {
      const sample = reader.read(row);
      addSample(hash, sample);
      for (const [name, places] of extents) {
        if (places === undefined) continue;
        if (endOf(places) > file.length) throw new Error(`an extent of ${name} passes the end of the file`);
        const at = offsetOf(places, row);
        const bytes = file.subarray(at, at + byteLengthOf(places, row));
        if (!bytes.equals(sampleBytes(sample.get(name)))) throw new Error(`sample ${row}: wrong extent of ${name}`);
      }
    }
    return hash.digest("hex");
  } finally {
    reader.close();
  }
}

async function valuesOfDataset({ root }) {
  const dataset = await openDataset(root);
  try {
    const hash = createHash("sha256");
    hash.update(JSON.stringify([dataset.schema.fields, dataset.classes, dataset.splits.map(({ name }) => name)]));
    for (const split of dataset.splits) {
      for (let n = 0; n < Math.min(split.length, MAX_ROWS); n++) addSample(hash, await split.read(n));
    }
    return hash.digest("hex");
  } finally {
    dataset.close();
  }
}

/** What each kind of use gives. */
const VALUES = {
  shard: valuesOfShard,
  dataset: async (_, use) => valuesOfDataset(use),
  recovery: async (path) => JSON.stringify(await recoverTfrecord(path)),
  index: async (path) => {
    const { samples, columns } = decodeShardIndex(new Uint8Array(readFileSync(path)), path);
    return JSON.stringify([samples, [...columns].map(([name, { length }]) => [name, length])]);
  },
  manifest: async (path) => parseManifest(readFileSync(path, "utf8"), path).fingerprint,
  image: async (path) => JSON.stringify(imageHeader(readFileSync(path), { file: path })),
};

/** Whether something tells of the damage in the file exactly. */
async function isReported(path, use) {
  if (use.kind === "dataset") {
    const report = await verifyDataset(use.root);
    return !report.ok && report.damages.length > 0;
  }
  return use.format === "tfrecord" && (await recoverTfrecord(path)).damages.length > 0;
}

/** The same, where a typed error is no report. */
async function reported(path, use) {
  try {
    return await isReported(path, use);
  } catch (error) {
    if (isMillraceError(error)) return undefined;
    throw error;
  }
}

/** The values, or the code of the typed error. Any other error is passed on. */
async function ending(path, use) {
  try {
    return { values: await VALUES[use.kind](path, use) };
  } catch (error) {
    if (isMillraceError(error)) return { code: error.code };
    throw error;
  }
}

/** How using the file ends, with what it gives if it is not damaged. */
async function resultOf(path, use, sound) {
  try {
    const { values, code } = await ending(path, use);
    if (sound === undefined) return { result: code ?? "values", values };
    const told = code !== undefined || use.kind === "dataset" ? await reported(path, use) : false;
    if (told === true) return { result: "reported" };
    // With a manifest, what is refused when it is read has to be found by verify too.
    if (code !== undefined) return { result: told === false && use.kind === "dataset" ? "not verified" : "refused" };
    return { result: values === sound ? "harmless" : "undetectable" };
  } catch (error) {
    return { result: `not ours: ${error?.stack ?? String(error)}` };
  }
}

/** Damages the open file, lets `action` use it, and repairs it. */
async function withEdit(fd, whole, edit, action) {
  if (typeof edit.length === "number") ftruncateSync(fd, edit.length);
  else if (typeof edit.bit === "number") {
    const at = edit.bit >> 3;
    writeSync(fd, Uint8Array.of(whole[at] ^ (1 << (edit.bit & 7))), 0, 1, at);
  } else writeSync(fd, edit.bytes, 0, edit.bytes.length, edit.at);
  const result = await action();
  if (typeof edit.bit === "number") writeSync(fd, whole, edit.bit >> 3, 1, edit.bit >> 3);
  else {
    ftruncateSync(fd, whole.length);
    writeSync(fd, whole, 0, whole.length, 0);
  }
  return result;
}

async function answer({ id, path, use, edits, sound }) {
  const results = [];
  let values;
  let slowestMs = 0;
  const timed = async () => {
    let found;
    let fastestMs = Number.POSITIVE_INFINITY;
    // On a busy machine the same work can take three times as much; what is slow is tried again.
    for (let tries = 0; tries < 3 && fastestMs > SLOW_MS; tries++) {
      const before = process.cpuUsage();
      found = await resultOf(path, use, sound);
      const { user, system } = process.cpuUsage(before);
      fastestMs = Math.min(fastestMs, (user + system) / 1000);
    }
    slowestMs = Math.max(slowestMs, fastestMs);
    values = found.values;
    return found.result;
  };
  if (edits === undefined) results.push(await timed());
  else {
    const whole = readFileSync(path);
    const fd = openSync(path, "r+");
    for (const edit of edits) results.push(await withEdit(fd, whole, edit, timed));
    closeSync(fd);
  }
  process.send({ id, results, values, slowestMs, peakBytes: process.resourceUsage().maxRSS * 1024 });
}

process.on("message", (request) => void answer(request));
