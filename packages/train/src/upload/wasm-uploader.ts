import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { engine, type Tensor4D } from "@tensorflow/tfjs-core";
import { AffineCache } from "./affine-cache.js";
import type { ImageShape } from "./check-host-tensor.js";
import { createPixelTable, lookUpPixels } from "./pixel-table.js";
import type { Uploader } from "./uploader.js";

/** Uploads for the `wasm` backend: one pass from the batch's memory straight into the backend's own. */
export function createWasmUploader(backend: BackendWasm): Uploader {
  const tables = new AffineCache((affine, channels) => createPixelTable(channels, affine));
  const fill = (shape: ImageShape, write: (to: Float32Array) => void): Tensor4D => {
    const info = backend.makeOutput([...shape], "float32");
    write(backend.typedArrayFromHeap(info) as Float32Array);
    return engine().makeTensorFromTensorInfo(info) as Tensor4D;
  };
  return {
    uploadPixels: (pixels, shape, affine) =>
      fill(shape, (to) => lookUpPixels(tables.get(affine, shape[3]), pixels, to)),
    uploadFloats: (floats, shape) => fill(shape, (to) => to.set(floats)),
    dispose: () => tables.clear(),
  };
}
