/**
 * `node bench/kernels.mjs [--seconds S]`: the kernels of @millrace/image, on pixels in memory, against their plain twin,
 * against sharp's extract and resize, and against a copy of as many bytes as the kernel writes, which is the limit of
 * the memory. Candidates take turns in one process, so that whatever else the machine does meets them alike. Times are
 * CPU time of the process. The ratio is theirs divided by ours: above 1, ours is faster. Writes results/kernels.json.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { createDecoder, createKernels, createMemory, createPlainKernels } from "../packages/image/dist/index.js";

/** @typedef {import("../packages/image/dist/index.js").ResampleJob} ResampleJob */
/** @typedef {import("../packages/image/dist/index.js").OutputDtype} OutputDtype */
/** @typedef {{ name: string, callsPerRound: number, run: () => unknown }} Candidate */
/** @typedef {{ name: string, medianUs: number, lowUs: number, highUs: number }} Timing */

/** @type {typeof import("../packages/image/node_modules/sharp").default} */
const sharp = createRequire(new URL("../packages/image/package.json", import.meta.url))("sharp");
sharp.cache(false);
sharp.concurrency(1);

const { values } = parseArgs({ options: { seconds: { type: "string", default: "40" } } });
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new RangeError(`--seconds is a number above 0, found ${values.seconds}`);

const WARM_UP_ROUNDS = 3;
const SOURCE_AT = 4 * 2 ** 20;
const OUTPUT_AT = 32 * 2 ** 20;
const BYTES_OF = { uint8: 1, float16: 2, float32: 4 };

const memory = createMemory({ byteLength: 40 * 2 ** 20 });
const bytes = new Uint8Array(memory.buffer);
const scratch = { offset: 0, byteLength: SOURCE_AT };
const simd = createKernels(memory, scratch);
const plain = createPlainKernels(memory, scratch);

/**
 * A smooth image with some noise.
 * @param {number} width
 * @param {number} height
 */
function fillSource(width, height) {
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        bytes[SOURCE_AT + (y * width + x) * 3 + c] = ((x * (c + 1)) / 3 + y / 2 + ((x * 31 + y * 17 + c) % 23)) & 255;
}

/**
 * Median and quartiles of each candidate's microseconds of CPU a call, over as many rounds as the time allows.
 * @param {readonly Candidate[]} candidates
 * @param {number} budgetMs
 * @returns {Promise<Timing[]>}
 */
async function measure(candidates, budgetMs) {
  /** @type {Map<string, number[]>} */
  const times = new Map(candidates.map(({ name }) => [name, []]));
  const until = performance.now() + budgetMs;
  for (let round = -WARM_UP_ROUNDS; round < 3 || performance.now() < until; round++) {
    for (const { name, callsPerRound, run } of candidates) {
      const start = process.cpuUsage();
      for (let call = 0; call < callsPerRound; call++) await run();
      const { user, system } = process.cpuUsage(start);
      if (round >= 0) times.get(name)?.push((user + system) / callsPerRound);
    }
  }
  return candidates.map(({ name }) => {
    const sorted = (times.get(name) ?? []).toSorted((a, b) => a - b);
    /** @param {number} fraction */
    const at = (fraction) => sorted[Math.floor(fraction * (sorted.length - 1))] ?? Number.NaN;
    return { name, medianUs: at(0.5), lowUs: at(0.25), highUs: at(0.75) };
  });
}

/**
 * sharp on the same pixels, to the same size, with its linear kernel; its result is copied to where ours would be.
 * @param {ResampleJob} job
 */
function sharpOf(job) {
  const { source, box, output } = job;
  const input = Buffer.from(bytes.buffer, source.offset, source.width * source.height * 3);
  const raw = { width: source.width, height: source.height, channels: /** @type {const} */ (3) };
  return async () => {
    const result = await sharp(input, { raw })
      .extract({ left: box.x, top: box.y, width: box.width, height: box.height })
      .resize(output.width, output.height, { fit: "fill", kernel: "linear" })
      .raw()
      .toBuffer();
    bytes.set(result, output.offset);
  };
}

/**
 * A job on the whole of a source, or on a box in its middle.
 * @param {[number, number]} source
 * @param {[number, number]} box
 * @param {OutputDtype} dtype
 * @param {Partial<ResampleJob>} [more]
 * @returns {ResampleJob}
 */
function jobOf([width, height], [boxWidth, boxHeight], dtype, more = {}) {
  return {
    source: { offset: SOURCE_AT, width, height, channels: 3 },
    box: { x: (width - boxWidth) >> 1, y: (height - boxHeight) >> 1, width: boxWidth, height: boxHeight },
    output: { offset: OUTPUT_AT, byteLength: 224 * 224 * 3 * 4, width: 224, height: 224, dtype },
    ...(dtype === "uint8" ? {} : { scale: [1 / 58.4, 1 / 57.1, 1 / 57.4], shift: [-2.12, -2.04, -1.8] }),
    ...more,
  };
}

/** @type {[number, number]} */
const FINAL = [224, 224];
/** @type {[string, ResampleJob][]} */
const jobs = [
  ["480x400 -> 224x224 float32", jobOf([480, 400], [480, 400], "float32")],
  ["480x400 -> 224x224 uint8", jobOf([480, 400], [480, 400], "uint8")],
  ["280x260 of 480x400 -> 224x224 float32, flipped", jobOf([480, 400], [280, 260], "float32", { flip: true })],
  ["280x260 of 480x400 -> 224x224 float32, NCHW", jobOf([480, 400], [280, 260], "float32", { layout: "nchw" })],
  ["280x260 of 480x400 -> 224x224 float16", jobOf([480, 400], [280, 260], "float16")],
  ["120x140 of 480x400 -> 224x224 float32", jobOf([480, 400], [120, 140], "float32")],
  ["1920x1080 -> 224x224 float32", jobOf([1920, 1080], [1920, 1080], "float32")],
  ["224x224, no resampling, uint8", jobOf(FINAL, FINAL, "uint8")],
  ["224x224, no resampling, uint8, flipped", jobOf(FINAL, FINAL, "uint8", { flip: true })],
  ["224x224, no resampling, uint8, NCHW", jobOf(FINAL, FINAL, "uint8", { layout: "nchw" })],
  ["224x224, no resampling, float32", jobOf(FINAL, FINAL, "float32")],
  ["224x224, no resampling, float32, flipped", jobOf(FINAL, FINAL, "float32", { flip: true })],
  ["224x224, no resampling, float32, NCHW", jobOf(FINAL, FINAL, "float32", { layout: "nchw" })],
  ["224x224, no resampling, float16", jobOf(FINAL, FINAL, "float16")],
  ["224x224 of 256x256, no resampling, float32", jobOf([256, 256], FINAL, "float32")],
  ["224x224 of 256x256, no resampling, uint8", jobOf([256, 256], FINAL, "uint8")],
];

const image = { offset: SOURCE_AT, width: 224, height: 224, channels: /** @type {const} */ (3) };
/** @type {[string, (kernels: typeof simd) => void][]} */
const colours = [
  ["brightness", (kernels) => kernels.brightness(image, 1.01)],
  ["contrast", (kernels) => kernels.contrast(image, 0.99)],
  ["saturation", (kernels) => kernels.saturation(image, 1.01)],
  ["hue", (kernels) => kernels.hue(image, 0.02)],
  ["grayscale", (kernels) => kernels.grayscale(image)],
];

/** @type {{ name: string, candidates: (Timing & { ratio: number })[] }[]} */
const results = [];

/**
 * @param {string} name
 * @param {Candidate[]} candidates
 * @param {number} budgetMs
 */
async function compare(name, candidates, budgetMs) {
  const timings = await measure(candidates, budgetMs);
  const ours = timings[0]?.medianUs ?? Number.NaN;
  console.log(name);
  for (const { name: candidate, medianUs, lowUs, highUs } of timings) {
    const spread = `[${lowUs.toFixed(1)} to ${highUs.toFixed(1)}]`;
    const ratio = candidate === timings[0]?.name ? "" : `ratio ${(medianUs / ours).toFixed(2)}`;
    console.log(`  ${candidate.padEnd(24)}${medianUs.toFixed(1).padStart(9)} us ${spread.padEnd(20)}${ratio}`);
  }
  results.push({ name, candidates: timings.map((timing) => ({ ...timing, ratio: timing.medianUs / ours })) });
}

/** The decoders on one photograph-like JPEG of 480 x 400, into shared memory. */
async function compareDecoders(budgetMs) {
  fillSource(480, 400);
  const jpeg = await sharp(Buffer.from(bytes.slice(SOURCE_AT, SOURCE_AT + 480 * 400 * 3)), {
    raw: { width: 480, height: 400, channels: 3 },
  })
    .jpeg({ quality: 90 })
    .toBuffer();
  const into = bytes.subarray(OUTPUT_AT, OUTPUT_AT + 480 * 400 * 3);
  const { candidates } = createDecoder();
  const names = candidates.filter(({ problem }) => problem === undefined).map(({ name }) => name);
  const turns = names.map((name) => {
    const decoder = createDecoder({ decoder: name });
    return { name: `decoder ${name}`, callsPerRound: 5, run: () => decoder.decode(jpeg, { into }) };
  });
  await compare(`JPEG of 480x400, ${jpeg.length} bytes`, turns, budgetMs);
}

console.log(`ours: ${simd.name}; CPU time, median, quartiles in brackets; sharp gives uint8 and no more\n`);
const budgetMs = (seconds * 1000) / (jobs.length + colours.length + 1);
for (const [name, job] of jobs) {
  fillSource(job.source.width, job.source.height);
  const written = 224 * 224 * 3 * BYTES_OF[job.output.dtype];
  await compare(
    name,
    [
      { name: "ours", callsPerRound: 50, run: () => simd.resample(job) },
      { name: "plain twin", callsPerRound: 1, run: () => plain.resample(job) },
      { name: "sharp extract + resize", callsPerRound: 2, run: sharpOf(job) },
      {
        name: "copy of as many bytes",
        callsPerRound: 50,
        run: () => bytes.copyWithin(OUTPUT_AT, SOURCE_AT, SOURCE_AT + written),
      },
    ],
    budgetMs,
  );
}
fillSource(224, 224);
for (const [name, run] of colours) {
  await compare(
    `224x224, ${name}`,
    [
      { name: "ours", callsPerRound: 20, run: () => run(simd) },
      { name: "plain twin", callsPerRound: 1, run: () => run(plain) },
    ],
    budgetMs,
  );
}
await compareDecoders(budgetMs);

const file = new URL("results/kernels.json", import.meta.url);
mkdirSync(new URL(".", file), { recursive: true });
const machine = { cpu: cpus()[0]?.model ?? "unknown", cpus: cpus().length, node: process.version };
writeFileSync(
  file,
  `${JSON.stringify({ benchmark: "kernels", machine, unit: "us of CPU a call", results }, null, 2)}\n`,
);
