import sharp from "sharp";

/** @typedef {import("./crops.mjs").Crop} Crop */
/** @typedef {import("./photographs.mjs").Photograph} Photograph */

/** Standard deviation of the grain, in steps of 255. */
const GRAIN = 7;
const NOISE_LENGTH = 2 ** 20;

/**
 * Fixed noise, near to normal: the sum of four uniform numbers of a linear congruential generator (Numerical Recipes,
 * third edition, section 7.1).
 * @returns {Int8Array}
 */
function makeNoise() {
  const noise = new Int8Array(NOISE_LENGTH);
  let state = 1;
  for (let i = 0; i < NOISE_LENGTH; i++) {
    let sum = 0;
    for (let k = 0; k < 4; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32 - 0.5;
    }
    // Four uniform numbers have a standard deviation of sqrt(4 / 12).
    noise[i] = Math.round((sum / Math.sqrt(1 / 3)) * GRAIN);
  }
  return noise;
}

const NOISE = makeNoise();

/**
 * Enlarging leaves an image smoother than a camera's; grain gives it back the detail, and so the bytes, of a photograph.
 * @param {Buffer} pixels - `[height, width, channels]`, changed in place
 * @param {number} channels
 * @param {number} grain - where in the noise to begin, 0..1
 */
function addGrain(pixels, channels, grain) {
  const from = Math.floor(grain * NOISE_LENGTH);
  for (let i = 0; i < pixels.length; i++) {
    const noise = /** @type {number} */ (NOISE[(from + Math.floor(i / channels)) % NOISE_LENGTH]);
    const value = /** @type {number} */ (pixels[i]) + noise;
    pixels[i] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}

/**
 * The JPEG of a crop. The same recipe gives the same bytes with the same version of sharp.
 * @param {Crop} crop
 * @param {Photograph} photograph
 * @returns {Promise<Buffer>}
 */
export async function encodeCrop(crop, photograph) {
  const { width, height } = photograph;
  const space = crop.isGrey ? "b-w" : "srgb";
  const { data, info } = await sharp(photograph.data, { raw: { width, height, channels: 3 } })
    .extract(crop.box)
    .resize(crop.width, crop.height, { fit: "fill" })
    .toColourspace(space)
    .raw()
    .toBuffer({ resolveWithObject: true });
  addGrain(data, info.channels, crop.grain);
  return await sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })
    .toColourspace(space)
    .jpeg({
      quality: crop.quality,
      chromaSubsampling: crop.chromaSubsampling,
      progressive: crop.isProgressive,
    })
    .toBuffer();
}
