/**
 * `node bench/half-side.mjs [--data DIR] [--images 400] [--rounds 15]`: what photographs of half the side cost a worker,
 * against the same ones as they are. The photographs are DIR/train, which bench/peer-data.mjs makes, encoded anew as JPEG
 * of quality 90; each becomes a random crop of 224 x 224 as float32. The two take turns by an epoch each; one worker, data
 * in the page cache, checksums off; CPU time of its thread an image, over all rounds. Writes bench/results/half-side.json and the
 * table of docs/loader-speed.md.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { markdownTable, writeDocs } from "./loader/docs-table.mjs";
import { convert } from "../packages/ingest/dist/index.js";
import { normalize, openLoader, randomResizedCrop } from "../packages/loader/dist/index.js";

const { values } = parseArgs({
  options: {
    data: { type: "string", default: process.env.PEER_DATA ?? "data" },
    images: { type: "string", default: "400" },
    rounds: { type: "string", default: "15" },
  },
});

const statistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Copies of the first photographs of each class, at a scale. @param {string} to @param {number} scale */
async function copyImages(to, scale) {
  const source = join(values.data, "train");
  const classes = readdirSync(source).toSorted();
  for (const name of classes) {
    mkdirSync(join(to, name), { recursive: true });
    const files = readdirSync(join(source, name)).toSorted();
    for (const file of files.slice(0, Math.ceil(Number(values.images) / classes.length))) {
      const image = sharp(join(source, name, file)).toColourspace("srgb");
      const { width, height } = await image.metadata();
      const size = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
      const jpeg = await image.resize(size[0], size[1], { fit: "fill" }).jpeg({ quality: 90 }).toBuffer();
      writeFileSync(join(to, name, file.replace(/\.\w+$/u, ".jpg")), jpeg);
    }
  }
}

/** Takes an epoch of a loader whose threads run. @param {import("@millrace/loader").Loader} loader */
async function takeEpoch(loader) {
  for await (const _ of loader) continue;
}

const load = Number(loadavg()[0].toFixed(2));
const root = mkdtempSync(join(tmpdir(), "millrace-half-side-"));
try {
  await copyImages(join(root, "whole"), 1);
  await copyImages(join(root, "half"), 0.5);
  const ways = [
    { way: "JPEG", source: "whole" },
    { way: "JPEG of half the side", source: "half" },
  ];
  for (const way of ways) {
    const out = join(root, `${way.source}-shards`);
    await convert({ source: join(root, way.source), out });
    way.loader = await openLoader(out, {
      numWorkers: 1,
      checksums: "off",
      transforms: [randomResizedCrop(224), normalize(statistics)],
    });
    await takeEpoch(way.loader);
    way.before = way.loader.stats();
  }
  for (let round = 0; round < Number(values.rounds); round++)
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) await takeEpoch(way.loader);
  const costs = ways.map(({ way, before, loader }) => {
    const after = loader.stats();
    const cpuMs = (after.workerCpuMs - before.workerCpuMs) / (after.samples - before.samples);
    return { way, cpuMs, bytes: loader.facts().storedBytesPerSample };
  });
  const lines = costs.map((cost) => ({
    ...cost,
    prepFactor: cost.cpuMs / costs[0].cpuMs,
    bytesFactor: cost.bytes / costs[0].bytes,
  }));
  for (const { loader } of ways) await loader.close();
  const rows = lines.map(({ way, cpuMs, bytes, prepFactor, bytesFactor }) => [
    way,
    cpuMs.toFixed(2),
    (bytes / 1000).toFixed(1),
    prepFactor.toFixed(2),
    bytesFactor.toFixed(2),
  ]);
  const table = markdownTable(["stored as", "CPU ms an image", "kB an image", "CPU / JPEG", "bytes / JPEG"], rows);
  const date = new Date().toISOString().slice(0, 10);
  const machine = { date, cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, load };
  const run = { images: Number(values.images), rounds: Number(values.rounds) };
  console.log(table);
  writeFileSync(
    new URL("results/half-side.json", import.meta.url),
    `${JSON.stringify({ bench: "half-side", ...machine, ...run, lines }, null, 2)}\n`,
  );
  writeDocs("half-side", `${date}, ${run.images} photographs, load of the machine before it ${load}.\n\n${table}`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
