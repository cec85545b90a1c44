import {
  add,
  keep,
  mul,
  type Rank,
  reshape,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tidy,
  tile,
} from "@tensorflow/tfjs-core";
import type { TensorflowKernelBackend } from "../backends/tensorflow-package.js";
import { AffineCache } from "./affine-cache.js";
import type { PixelAffine } from "./host-tensor.js";
import type { Uploader } from "./uploader.js";

/** Scale and shift of every value in a row of pixels, `[width * channels]`, on the device. */
interface RowAffine {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

/**
 * Uploads for the `tensorflow` backend. Bytes travel as bytes and become floats on the device. The affine map runs on
 * the images as rows, `[batch * height, width * channels]`: broadcasting three channels takes TensorFlow three times as
 * long as broadcasting a whole row.
 *
 * The binding may take the batch's memory over instead of copying it, so each upload ends in an operation that reads
 * it: that has returned, and the memory is free again, before the upload returns.
 */
export function createTensorflowUploader(backend: TensorflowKernelBackend): Uploader {
  const { binding } = backend;
  const rows = new AffineCache(createRowAffine, ({ scale, shift }) => {
    scale.dispose();
    shift.dispose();
  });
  const readBy = (
    operation: string,
    data: Uint8Array | Float32Array,
    shape: readonly number[],
    dtype: number,
  ): Tensor => {
    const id = binding.createTensor(shape, dtype, data);
    try {
      const attributes =
        operation === "Cast"
          ? [
              { name: "SrcT", type: binding.TF_ATTR_TYPE, value: dtype },
              { name: "DstT", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
              { name: "Truncate", type: binding.TF_ATTR_BOOL, value: false },
            ]
          : [{ name: "T", type: binding.TF_ATTR_TYPE, value: dtype }];
      return backend.createOutputTensor(binding.executeOp(operation, attributes, [id], 1)[0]!);
    } finally {
      binding.deleteTensor(id);
    }
  };
  return {
    uploadPixels: (pixels, shape, affine) => {
      const [batch, height, width, channels] = shape;
      const row = affine === undefined ? undefined : rows.get(affine, width * channels);
      return tidy(() => {
        const floats = readBy("Cast", pixels, [batch * height, width * channels], binding.TF_UINT8);
        const scaled = row === undefined ? floats : add(mul(floats, row.scale), row.shift);
        return reshape<Rank.R4>(scaled, [...shape]);
      });
    },
    uploadFloats: (floats, shape) => tidy(() => readBy("DeepCopy", floats, shape, binding.TF_FLOAT) as Tensor4D),
    dispose: () => rows.clear(),
  };
}

function createRowAffine(affine: PixelAffine | undefined, rowLength: number): RowAffine {
  const spread = (numbers: readonly number[]) =>
    keep(tidy(() => tile(tensor1d([...numbers]), [rowLength / numbers.length])));
  return { scale: spread(affine?.scale ?? [1]), shift: spread(affine?.shift ?? [0]) };
}
