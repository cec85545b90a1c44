/**
 * Uploads of `bench/train.mjs`: `upload.mjs BACKEND BATCH SECONDS`. Ours and the plain way, TensorFlow.js's int32 tensor,
 * cast, multiplied and shifted, take turns; one line of JSON with all times in ms.
 */
import { selectBackend } from "../../packages/train/dist/index.js";
import { noise } from "./models.mjs";

const [name = "tensorflow", batch = "64", seconds = "5"] = process.argv.slice(2);
const { backend } = await selectBackend(
  /** @type {"tensorflow"} */ (name),
  name === "tensorflow" ? { numThreads: 2 } : {},
);
const { tf } = backend;
/** @type {[number, number, number, number]} */
const shape = [Number(batch), 224, 224, 3];
const length = shape.reduce((product, size) => product * size, 1);
// Slots of the loader's ring begin at multiples of 128 in a memory that is aligned to pages.
const memory = new WebAssembly.Memory({ initial: 1 + Math.ceil(length / 65_536), maximum: 8192, shared: true });
const pixels = new Uint8Array(memory.buffer, 65_536, length);
pixels.set(noise(length));
const shifted = new Uint8Array(memory.buffer, 65_535, length);
const affine = {
  scale: [0.229, 0.224, 0.225].map((deviation) => 1 / (255 * deviation)),
  shift: [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
};
const scale = tf.tensor1d(affine.scale);
const shift = tf.tensor1d(affine.shift);

/** @type {Record<string, () => { dispose(): void }>} */
const ways = {
  ours: () => backend.upload({ data: pixels, dtype: "uint8", shape }, affine),
  oursUnaligned: () => backend.upload({ data: shifted, dtype: "uint8", shape }, affine),
  theirs: () => tf.tidy(() => tf.add(tf.mul(tf.cast(tf.tensor4d(pixels, shape, "int32"), "float32"), scale), shift)),
};
/** @type {Record<string, number[]>} */
const times = { ours: [], oursUnaligned: [], theirs: [] };
const until = performance.now() + Number(seconds) * 1000;
for (let round = -2; round < 5 || performance.now() < until; round++) {
  for (const [way, upload] of Object.entries(ways)) {
    const start = performance.now();
    const tensor = upload();
    if (round >= 0) times[way]?.push(performance.now() - start);
    tensor.dispose();
  }
}
console.log(JSON.stringify(times));
await backend.close();
