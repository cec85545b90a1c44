import {
  customGrad,
  dispose,
  engine,
  keep,
  mul,
  reshape,
  sub,
  type Tensor,
  tensor1d,
  type Tensor1D,
  tidy,
  util,
} from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import type { OperationAttribute } from "../tensorflow-package.js";
import { floatType, type NativeBackend } from "./native-operation.js";

type BatchNormalization = ReturnType<typeof layers.batchNormalization>;
type Weight = NonNullable<BatchNormalization["weights"][number]>;
type Call = BatchNormalization["call"];

/** What the layer keeps to itself. */
interface LayerParts {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Weight;
  readonly beta?: Weight;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
}

let replaced = false;

/**
 * Lets every batch normalisation layer of TensorFlow.js, in any model, train by TensorFlow's fused operations while
 * `tensorflow` is the current backend. TensorFlow.js composes layer and gradient of about thirty operations, which take
 * several times as long and half as much memory again. What the fused operations do not cover is left to the layer:
 * other axes than the last, no scale or no centre, inference. Calling again does nothing.
 */
export function fuseBatchNorm(): void {
  if (replaced) return;
  replaced = true;
  const prototype = Object.getPrototypeOf(layers.batchNormalization()) as { call: Call };
  const stock = prototype.call;
  prototype.call = function call(this: BatchNormalization, inputs, kwargs) {
    const parts = this as unknown as LayerParts;
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    const { gamma, beta } = parts;
    const isLast = parts.axis === -1 || parts.axis === x.rank - 1;
    const isTraining = kwargs["training"] === true && engine().backendName === "tensorflow";
    if (!isTraining || !isLast || x.rank < 2 || x.size === 0 || gamma === undefined || beta === undefined)
      return stock.call(this, inputs, kwargs);
    return tidy(() => {
      const { y, mean, variance } = normalise(x, gamma.read() as Tensor1D, beta.read() as Tensor1D, parts.epsilon);
      follow(parts.movingMean, mean, parts.momentum);
      follow(parts.movingVariance, variance, parts.momentum);
      dispose([mean, variance]);
      return y;
    });
  };
}

/** Moves an average towards `value`, as the layer does. */
function follow(average: Weight, value: Tensor, momentum: number): void {
  tidy(() => {
    const before = average.read();
    average.write(sub(before, mul(sub(before, value), 1 - momentum)));
  });
}

interface Normalised {
  readonly y: Tensor;
  /** Of each channel over the batch; kept. */
  readonly mean: Tensor;
  /** Of each channel over the batch, the mean square and not the unbiased estimate; kept. */
  readonly variance: Tensor;
}

function normalise(x: Tensor, gamma: Tensor1D, beta: Tensor1D, epsilon: number): Normalised {
  const backend = engine().backend as NativeBackend;
  const attributes = attributesOf(backend, epsilon);
  const channels = x.shape.at(-1)!;
  const rows = x.size / channels;
  let mean: Tensor | undefined;
  let variance: Tensor | undefined;
  const fused = customGrad((...args: unknown[]) => {
    const [images, scale, offset, save] = args as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const none = tensor1d([]);
    const inputs = [images, scale, offset, none, none];
    const outputs = backend.executeMultipleOutputs("FusedBatchNormV3", attributes, inputs, 6);
    const [value, batchMean, unbiased, ...reserved] = outputs as [Tensor, Tensor, Tensor, ...Tensor[]];
    mean = keep(batchMean);
    variance = keep(mul(unbiased, (rows - 1) / rows));
    save([images, scale, ...reserved]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) =>
      backend.executeMultipleOutputs("FusedBatchNormGradV3", attributes, [dy, ...saved], 5).slice(0, 3);
    return { value, gradFunc };
  });
  const y = x.rank === 4 ? fused(x, gamma, beta) : fused(reshape(x, [rows, 1, 1, channels]), gamma, beta);
  util.assert(mean !== undefined && variance !== undefined, () => "the fused operation ran");
  return { y: reshape(y, x.shape), mean: mean!, variance: variance! };
}

function attributesOf(backend: NativeBackend, epsilon: number): OperationAttribute[] {
  const { TF_ATTR_FLOAT, TF_ATTR_STRING, TF_ATTR_BOOL } = backend.binding;
  return [
    floatType(backend, "T"),
    floatType(backend, "U"),
    { name: "epsilon", type: TF_ATTR_FLOAT, value: epsilon },
    { name: "data_format", type: TF_ATTR_STRING, value: "NHWC" },
    { name: "is_training", type: TF_ATTR_BOOL, value: true },
  ];
}
