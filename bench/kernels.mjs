/**
 * `node bench/kernels.mjs`: the resampling kernels against their plain twin and against sharp's extract and resize, on
 * pixels in memory. Candidates take turns in one process, so that whatever else the machine does meets them alike.
 * The ratio is theirs divided by ours: above 1, ours is faster.
 */
import { createRequire } from "node:module";
import { createKernels, createMemory, createPlainKernels } from "../packages/image/dist/index.js";

/** @typedef {import("../packages/image/dist/index.js").ResampleJob} ResampleJob */
/** @typedef {{ name: string, callsPerRound: number, run: () => void | Promise<void> }} Candidate */

/** @type {typeof import("../packages/image/node_modules/sharp").default} */
const sharp = createRequire(new URL("../packages/image/package.json", import.meta.url))("sharp");
sharp.cache(false);
sharp.concurrency(1);

const ROUNDS = 30;
const WARM_UP_ROUNDS = 5;
const SOURCE_AT = 4 * 2 ** 20;
const OUTPUT_AT = 32 * 2 ** 20;

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
 * Median and quartiles of each candidate's microseconds a call.
 * @param {readonly Candidate[]} candidates
 */
async function measure(candidates) {
  /** @type {Map<string, number[]>} */
  const times = new Map(candidates.map(({ name }) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const { name, callsPerRound, run } of candidates) {
      const start = process.hrtime.bigint();
      for (let call = 0; call < callsPerRound; call++) await run();
      const elapsedUs = Number(process.hrtime.bigint() - start) / 1000 / callsPerRound;
      if (round >= 0) times.get(name)?.push(elapsedUs);
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
  const length = source.width * source.height * 3;
  const input = Buffer.from(bytes.buffer, source.offset, length);
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
 * @param {"uint8" | "float32"} dtype
 * @param {boolean} flip
 * @returns {ResampleJob}
 */
function jobOf([width, height], [boxWidth, boxHeight], dtype, flip) {
  return {
    source: { offset: SOURCE_AT, width, height, channels: 3 },
    box: { x: (width - boxWidth) >> 1, y: (height - boxHeight) >> 1, width: boxWidth, height: boxHeight },
    flip,
    output: { offset: OUTPUT_AT, byteLength: 224 * 224 * 3 * 4, width: 224, height: 224, dtype },
    ...(dtype === "float32" ? { scale: [1 / 58.4, 1 / 57.1, 1 / 57.4], shift: [-2.12, -2.04, -1.8] } : {}),
  };
}

/** @type {[string, ResampleJob][]} */
const jobs = [
  ["480x400 -> 224x224 float32", jobOf([480, 400], [480, 400], "float32", false)],
  ["480x400 -> 224x224 uint8", jobOf([480, 400], [480, 400], "uint8", false)],
  ["280x260 of 480x400 -> 224x224 float32, flipped", jobOf([480, 400], [280, 260], "float32", true)],
  ["120x140 of 480x400 -> 224x224 float32", jobOf([480, 400], [120, 140], "float32", false)],
  ["1920x1080 -> 224x224 float32", jobOf([1920, 1080], [1920, 1080], "float32", false)],
  ["224x224 -> 224x224 float32, no resampling", jobOf([224, 224], [224, 224], "float32", false)],
  ["224x224 -> 224x224 float32, flipped", jobOf([224, 224], [224, 224], "float32", true)],
];

console.log(`ours: ${simd.name}; median of ${ROUNDS} rounds, quartiles in brackets; sharp gives uint8 and no more\n`);
for (const [name, job] of jobs) {
  fillSource(job.source.width, job.source.height);
  const results = await measure([
    { name: "ours", callsPerRound: 20, run: () => simd.resample(job) },
    { name: "plain twin", callsPerRound: 1, run: () => plain.resample(job) },
    { name: "sharp extract + resize", callsPerRound: 2, run: sharpOf(job) },
  ]);
  const ours = results[0]?.medianUs ?? Number.NaN;
  console.log(name);
  for (const { name: candidate, medianUs, lowUs, highUs } of results) {
    const spread = `[${lowUs.toFixed(0)} to ${highUs.toFixed(0)}]`;
    const ratio = candidate === "ours" ? "" : `ratio ${(medianUs / ours).toFixed(1)}`;
    console.log(`  ${candidate.padEnd(24)}${medianUs.toFixed(1).padStart(9)} us ${spread.padEnd(18)}${ratio}`);
  }
}
