import {
  initializers,
  input,
  layers,
  type LayersModel,
  model,
  sequential,
  type SymbolicTensor,
} from "@tensorflow/tfjs-layers";

/** What the layers of a topology have in common. */
export interface Style {
  readonly padding: "same" | "valid";
  readonly activation: "relu" | "elu" | "sigmoid" | "tanh";
}

type Layer = LayersModel["layers"][number];
type Make = (style: Style) => LayersModel;

/** Height, width and channels of the images. */
export const IMAGE: readonly [number, number, number] = [9, 9, 2];

/** Kernels are drawn anew by {@link randomise}. */
const kernelInitializer = initializers.zeros();

function to(x: SymbolicTensor | SymbolicTensor[], ...chain: Layer[]): SymbolicTensor {
  let y = x;
  for (const layer of chain) y = layer.apply(y) as SymbolicTensor;
  return y as SymbolicTensor;
}

function conv(filters: number, { padding }: Style, options: Partial<Parameters<typeof layers.conv2d>[0]> = {}): Layer {
  return layers.conv2d({ filters, kernelSize: 3, padding, kernelInitializer, ...options });
}

const dense = (units: number): Layer => layers.dense({ units, kernelInitializer });
const norm = (): Layer => layers.batchNormalization({});
const act = ({ activation }: Style): Layer => layers.activation({ activation });
const image = (): SymbolicTensor => input({ shape: [...IMAGE] });
const pooled = (): Layer => layers.globalAveragePooling2d({});

/** Small models of every shape that channels take. All have one input `[batch, 9, 9, 2]`. */
export const TOPOLOGIES: ReadonlyMap<string, Make> = new Map<string, Make>([
  [
    "plain",
    (style) =>
      sequential({
        layers: [
          layers.conv2d({
            inputShape: [...IMAGE],
            filters: 5,
            kernelSize: 3,
            padding: style.padding,
            kernelInitializer,
          }),
          norm(),
          act(style),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.dropout({ rate: 0.3 }),
          conv(6, style, { activation: style.activation }),
          layers.flatten(),
          layers.dense({ units: 7, kernelInitializer, activation: style.activation }),
          layers.dense({ units: 3, kernelInitializer, activation: "softmax" }),
        ],
      }),
  ],
  [
    "residual",
    (style) => {
      const x = image();
      const a = to(x, conv(6, style), norm(), act(style));
      const b = to(a, conv(4, { ...style, padding: "same" }, { useBias: false }), norm(), act(style));
      const c = to([to(b, conv(6, { ...style, padding: "same" }), norm()), a], layers.add(), act(style));
      const strided = to(c, layers.zeroPadding2d({ padding: [1, 1] }), conv(5, style, { strides: 2 }));
      const project = to(c, conv(5, style, { kernelSize: 1, strides: 2 }), norm());
      // With `same` both have 5 x 5 pixels; with `valid`, the padding makes them so.
      const cut =
        strided.shape[1] === project.shape[1]
          ? strided
          : to(
              strided,
              layers.cropping2D({
                cropping: [
                  [0, 1],
                  [0, 1],
                ],
              }),
            );
      return model({ inputs: x, outputs: to([cut, project], layers.average(), act(style), pooled(), dense(3)) });
    },
  ],
  [
    "concat",
    (style) => {
      const x = image();
      const a = to(x, conv(4, style), act(style));
      const both = to([a, to(x, conv(3, style))], layers.concatenate());
      const c = to(both, norm(), act(style), conv(7, { ...style, padding: "same" }, { useBias: false }));
      const sum = to([c, both], layers.add(), layers.averagePooling2d({ poolSize: 2 }));
      return model({ inputs: x, outputs: to(sum, conv(4, style), layers.flatten(), dense(3)) });
    },
  ],
  [
    "depthwise",
    (style) => {
      const x = image();
      const { padding } = style;
      const depthwiseConv2d = (depthMultiplier: number): Layer =>
        layers.depthwiseConv2d({ kernelSize: 3, padding, depthMultiplier, depthwiseInitializer: kernelInitializer });
      const separableConv2d = layers.separableConv2d({
        filters: 5,
        kernelSize: 3,
        padding,
        depthMultiplier: 2,
        depthwiseInitializer: "zeros",
        pointwiseInitializer: "zeros",
      });
      const a = to(x, conv(5, style), norm(), act(style), depthwiseConv2d(1), norm(), act(style));
      const b = to(a, conv(4, style, { kernelSize: 1 }), layers.reLU({ maxValue: 6 }), depthwiseConv2d(2));
      const c = to(b, separableConv2d, layers.leakyReLU({ alpha: 0.1 }), layers.globalMaxPooling2d({}));
      return model({
        inputs: x,
        outputs: to(c, layers.reshape({ targetShape: [1, 1, 5] }), layers.flatten(), dense(3)),
      });
    },
  ],
  [
    "shared",
    (style) => {
      const x = image();
      const shared = conv(4, { ...style, padding: "same" });
      const stem = to(x, conv(4, style, { name: "stem_a" }), act(style));
      const once = to(stem, shared);
      const twice = to(once, layers.prelu({ alphaInitializer: "zeros", sharedAxes: [1, 2] }), shared, act(style));
      const branches = [once, twice].map((y) => to(y, pooled()));
      return model({ inputs: x, outputs: to(branches, layers.concatenate(), dense(5), act(style), dense(3)) });
    },
  ],
  [
    "two outputs",
    (style) => {
      const x = image();
      const a = to(x, conv(5, style), norm(), act(style));
      const map = to(a, conv(2, style));
      const b = to(a, conv(6, style), layers.prelu({ alphaInitializer: "zeros" }), layers.flatten(), dense(4));
      return model({ inputs: x, outputs: [map, to(b, act(style), dense(3), layers.softmax())] });
    },
  ],
  [
    "gated",
    (style) => {
      const x = image();
      const a = to(x, conv(6, style), norm(), act(style));
      const gate = to(a, pooled(), dense(3), act(style), dense(6), layers.activation({ activation: "sigmoid" }));
      const scaled = to([a, to(gate, layers.reshape({ targetShape: [1, 1, 6] }))], layers.multiply());
      const spot = to(scaled, conv(1, { ...style, padding: "same" }, { activation: "sigmoid" }));
      const y = to([scaled, spot], layers.multiply(), layers.upSampling2d({ size: [2, 2] }), conv(4, style));
      return model({ inputs: x, outputs: to(y, pooled(), dense(3)) });
    },
  ],
  [
    "upwards",
    (style) => {
      const x = image();
      const a = to(x, conv(5, style), act(style), norm());
      const up = layers.conv2dTranspose({ filters: 4, kernelSize: 2, strides: 2, padding: "same", kernelInitializer });
      const b = to(a, up, layers.elu(), conv(3, style), act(style));
      return model({
        inputs: x,
        outputs: to(
          b,
          layers.flatten(),
          layers.repeatVector({ n: 4 }),
          layers.conv1d({ filters: 3, kernelSize: 2, kernelInitializer }),
          layers.globalMaxPooling1d({}),
          dense(2),
        ),
      });
    },
  ],
]);
