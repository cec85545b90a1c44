import { tensor4d } from "@tensorflow/tfjs-core";
import { AffineCache } from "./affine-cache.js";
import { createPixelTable, lookUpPixels } from "./pixel-table.js";
import type { Uploader } from "./uploader.js";

/** Uploads for the `cpu` backend, which keeps the array that a tensor is made of: each upload gets one of its own. */
export function createCpuUploader(): Uploader {
  const tables = new AffineCache((affine, channels) => createPixelTable(channels, affine));
  return {
    uploadPixels: (pixels, shape, affine) => {
      const floats = new Float32Array(pixels.length);
      lookUpPixels(tables.get(affine, shape[3]), pixels, floats);
      return tensor4d(floats, [...shape]);
    },
    uploadFloats: (floats, shape) => tensor4d(new Float32Array(floats), [...shape]),
    dispose: () => tables.clear(),
  };
}
