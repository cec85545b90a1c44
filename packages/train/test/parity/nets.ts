import { initializers, input, layers, model, type LayersModel, type SymbolicTensor } from "@tensorflow/tfjs-layers";

/** Height, width and channels of the images. */
export const IMAGE: readonly [number, number, number] = [8, 8, 3];
/** Number of classes. */
export const CLASSES = 4;

type Layer = LayersModel["layers"][number];
type Build = (x: SymbolicTensor, seed: () => number) => SymbolicTensor;

const apply = (x: SymbolicTensor, ...of: readonly Layer[]): SymbolicTensor =>
  of.reduce((y, layer) => layer.apply(y) as SymbolicTensor, x);
const start = (seed: number) => initializers.heNormal({ seed });

function conv(filters: number, seed: number, strides = 1, useBias = true): Layer {
  return layers.conv2d({ filters, kernelSize: 3, strides, padding: "same", useBias, kernelInitializer: start(seed) });
}
/**
 * A convolution and its batch norm. A bias between them would have no gradient but rounding errors, of which Adam makes
 * steps of full size, another on every backend.
 */
const normalised = (filters: number, seed: number, strides = 1): Layer[] => [
  conv(filters, seed, strides, false),
  layers.batchNormalization({ momentum: 0.9 }),
];
const relu = () => layers.activation({ activation: "relu" });
const halve = () => layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" });

/** Pooled before its ReLU, so that windows with a negative maximum occur. */
const plain: Build = (x, seed) =>
  apply(x, conv(4, seed()), halve(), relu(), conv(8, seed()), halve(), relu(), layers.flatten());

const batchNorm: Build = (x, seed) =>
  apply(x, ...[4, 8].flatMap((filters) => [...normalised(filters, seed()), halve(), relu()]), layers.flatten());

const depthwise: Build = (x, seed) =>
  apply(
    x,
    conv(6, seed(), 2),
    relu(),
    layers.depthwiseConv2d({ kernelSize: 3, padding: "same", depthMultiplier: 2, depthwiseInitializer: start(seed()) }),
    relu(),
    layers.conv2d({ filters: 8, kernelSize: 1, kernelInitializer: start(seed()) }),
    relu(),
    layers.averagePooling2d({ poolSize: 2, strides: 2, padding: "same" }),
    layers.flatten(),
  );

const residual: Build = (x, seed) => {
  const stem = apply(x, ...normalised(6, seed()), relu());
  const branch = apply(stem, ...normalised(8, seed(), 2), relu(), conv(8, seed()));
  const shortcut = apply(
    stem,
    layers.conv2d({ filters: 8, kernelSize: 1, strides: 2, kernelInitializer: start(seed()) }),
  );
  const sum = layers.add().apply([branch, shortcut]) as SymbolicTensor;
  return apply(sum, relu(), layers.globalAveragePooling2d({}));
};

/** The nets that are trained on every backend, and how. */
export const nets = new Map<
  string,
  { readonly build: Build; readonly optimizer: "sgd" | "adam"; readonly learningRate: number }
>([
  ["plain", { build: plain, optimizer: "sgd", learningRate: 0.02 }],
  ["batch norm", { build: batchNorm, optimizer: "adam", learningRate: 0.005 }],
  ["depthwise", { build: depthwise, optimizer: "adam", learningRate: 0.005 }],
  ["residual", { build: residual, optimizer: "sgd", learningRate: 0.02 }],
]);

/** A net with its logits, the same on every backend. */
export function createNet(build: Build): LayersModel {
  let count = 0;
  const seed = () => ++count;
  const image = input({ shape: [...IMAGE] });
  const features = build(image, seed);
  const logits = layers.dense({ units: CLASSES, kernelInitializer: initializers.glorotUniform({ seed: seed() }) });
  return model({ inputs: image, outputs: logits.apply(features) as SymbolicTensor });
}
