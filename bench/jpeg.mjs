/**
 * `node bench/jpeg.mjs FOLDER`: seekable JPEG against libjpeg-turbo, on the JPEGs in a folder, at most 200 of them, in
 * memory, on one thread. The transcoder against bench/jpeg/transcode.c, which is compiled here (cc, libjpeg-turbo's
 * headers); the decoding of a crop against that of the whole image, both by `@julusian/jpeg-turbo`. CPU time; the
 * candidates take turns, and of each the best round counts, as whatever else the machine does only adds. A ratio is
 * theirs divided by ours: above 1, ours is faster. Writes bench/results/jpeg.json.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  assembleJpegCrop,
  decodeJpegSegments,
  JpegCrop,
  JpegSegments,
  planJpegCrop,
  transcodeSeekable,
} from "../packages/formats/dist/index.js";

const ROUNDS = 7;
const WARM_UP_ROUNDS = 2;
const FILES = 200;

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write("usage: node bench/jpeg.mjs FOLDER\n");
  process.exit(2);
}

/**
 * CPU ms of a call.
 * @param {() => void} run
 */
function cpuMs(run) {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/**
 * Random numbers from 0 to 1, the same on each run (mulberry32).
 * @param {number} seed
 */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The box of a random resized crop as torchvision draws it: 0.08 to 1 of the area, 3/4 to 4/3 wide, drawn again where it
 * does not fit.
 * @param {number} imageWidth
 * @param {number} imageHeight
 * @param {() => number} next
 */
function cropBox(imageWidth, imageHeight, next) {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = imageWidth * imageHeight * (0.08 + 0.92 * next());
    const ratio = (3 / 4) * (16 / 9) ** next();
    const [width, height] = [Math.round(Math.sqrt(area * ratio)), Math.round(Math.sqrt(area / ratio))];
    if (width > imageWidth || height > imageHeight) continue;
    const left = Math.floor(next() * (imageWidth - width + 1));
    return { left, top: Math.floor(next() * (imageHeight - height + 1)), width, height };
  }
  const side = Math.min(imageWidth, imageHeight);
  return { left: (imageWidth - side) >> 1, top: (imageHeight - side) >> 1, width: side, height: side };
}

/** @param {number} value */
const rounded = (value) => Number(value.toPrecision(4));

const temporary = mkdtempSync(join(tmpdir(), "millrace-jpeg-"));
const program = join(temporary, "transcode");
execFileSync("cc", ["-O2", fileURLToPath(new URL("jpeg/transcode.c", import.meta.url)), "-o", program, "-ljpeg"]);

/** @type {Map<"baseline" | "progressive", { path: string, bytes: Uint8Array }[]>} */
const sets = new Map([
  ["baseline", []],
  ["progressive", []],
]);
const paths = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((path) => /\.jpe?g$/iu.test(path))
  .toSorted();
const step = Math.max(1, Math.floor(paths.length / FILES));
for (const path of paths.filter((_, i) => i % step === 0).slice(0, FILES)) {
  const bytes = readFileSync(join(folder, path));
  if (transcodeSeekable(bytes).kind === "refused") continue;
  sets
    .get(bytes.includes(Buffer.of(0xff, 0xc2)) ? "progressive" : "baseline")
    ?.push({ path: join(folder, path), bytes });
}

/**
 * @param {readonly { path: string, bytes: Uint8Array }[]} files
 * @param {"optimised" | "source"} tables
 */
function compareTranscoders(files, tables) {
  const list = join(temporary, "list");
  writeFileSync(list, files.map(({ path }) => `${path}\n`).join(""));
  let bytesOut = 0;
  const run = () => {
    bytesOut = 0;
    for (const { bytes } of files) {
      const made = transcodeSeekable(bytes, { tables });
      if (made.kind === "seekable") bytesOut += made.bytes.length;
    }
  };
  const bytesIn = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  let [ours, theirs] = [Infinity, Infinity];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const a = cpuMs(run) / files.length;
    const b = JSON.parse(execFileSync(program, ["1", list], { encoding: "utf8" }))[tables].cpuMs;
    if (round < 0) continue;
    ours = Math.min(ours, a);
    theirs = Math.min(theirs, b);
  }
  return {
    files: files.length,
    meanBytes: Math.round(bytesIn / files.length),
    oursCpuMs: rounded(ours),
    libjpegTurboCpuMs: rounded(theirs),
    ratio: rounded(theirs / ours),
    sizeRatio: rounded(bytesOut / bytesIn),
  };
}

/**
 * Decoding the box of a random resized crop and the whole image.
 * @param {readonly { bytes: Uint8Array }[]} files
 */
function compareCrops(files) {
  const turbo = createRequire(new URL("../packages/image/package.json", import.meta.url))("@julusian/jpeg-turbo");
  const format = { format: turbo.FORMAT_RGB };
  const target = Buffer.alloc(64 * 2 ** 20);
  const into = Buffer.alloc(8 * 2 ** 20);
  const [segments, crop] = [new JpegSegments(), new JpegCrop()];
  const next = randomFrom(1);
  // A loader leaves CMYK to sharp.
  const isDecoded = (/** @type {Uint8Array} */ bytes) => {
    try {
      turbo.decompressSync(bytes, target, format);
      return true;
    } catch {
      return false;
    }
  };
  const jobs = files.flatMap(({ bytes }) => {
    const made = transcodeSeekable(bytes);
    if (made.kind === "refused" || !isDecoded(bytes)) return [];
    decodeJpegSegments(made.index, 0, made.index.length, segments, "", 0);
    const box = cropBox(segments.width, segments.height, next);
    return [{ source: bytes, bytes: made.bytes, index: made.index, count: segments.count, box }];
  });
  /** @param {(job: (typeof jobs)[number]) => void} visit */
  const each = (visit) => cpuMs(() => jobs.forEach(visit)) / jobs.length;
  /** @param {(typeof jobs)[number]} job */
  const index = ({ index: column }) => void decodeJpegSegments(column, 0, column.length, segments, "", 0);
  /** @param {(typeof jobs)[number]} job */
  const assemble = (job) => {
    index(job);
    planJpegCrop(segments, job.box, job.bytes.length, crop);
    assembleJpegCrop(segments, crop, job.bytes, crop.headerStart, crop.dataStart, into, 0);
  };
  const bytesShare = () => {
    let [needed, all] = [0, 0];
    for (const job of jobs) {
      index(job);
      planJpegCrop(segments, job.box, job.bytes.length, crop);
      needed += crop.byteLength;
      all += job.bytes.length;
    }
    return needed / all;
  };
  const best = { whole: Infinity, part: Infinity, index: Infinity, assemble: Infinity };
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const whole = each(({ source }) => turbo.decompressSync(source, target, format));
    const part = each((job) => {
      assemble(job);
      turbo.decompressSync(into.subarray(0, crop.byteLength), target, format);
    });
    const repeated = 40;
    const indexUs = (each((job) => void Array.from({ length: repeated }, () => index(job))) / repeated) * 1000;
    const assembleUs = (each((job) => void Array.from({ length: repeated }, () => assemble(job))) / repeated) * 1000;
    if (round < 0) continue;
    best.whole = Math.min(best.whole, whole);
    best.part = Math.min(best.part, part);
    best.index = Math.min(best.index, indexUs);
    best.assemble = Math.min(best.assemble, assembleUs - indexUs);
  }
  return {
    files: jobs.length,
    segments: Math.round(jobs.reduce((sum, { count }) => sum + count, 0) / jobs.length),
    bytesShare: rounded(bytesShare()),
    wholeCpuMs: rounded(best.whole),
    cropCpuMs: rounded(best.part),
    ratio: rounded(best.whole / best.part),
    decodeIndexUs: rounded(best.index),
    planAndAssembleUs: rounded(best.assemble),
  };
}

/** @type {Record<string, unknown>} */
const results = {};
for (const [kind, files] of sets) {
  if (files.length === 0) continue;
  results[kind] = {
    optimised: compareTranscoders(files, "optimised"),
    ...(kind === "baseline" ? { source: compareTranscoders(files, "source"), crop: compareCrops(files) } : {}),
  };
}
rmSync(temporary, { recursive: true });
const report = { machine: cpus()[0]?.model, node: process.version, rounds: ROUNDS, ...results };
writeFileSync(new URL("results/jpeg.json", import.meta.url), `${JSON.stringify(report, undefined, 2)}\n`);
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
