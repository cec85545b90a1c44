import { add, conv2d, type Tensor, type Tensor4D, tidy } from "@tensorflow/tfjs-core";
import { type layers as layerTypes, layers } from "@tensorflow/tfjs-layers";

type Layer = ReturnType<typeof layerTypes.conv2d>;
type Config = Parameters<typeof layerTypes.conv2d>[0] & { readonly padding: "same" | "valid" };

/**
 * A linear convolution for the images themselves. While training, a stock one also computes the gradient of its input,
 * which for images nobody needs and which costs as much as the layer's forward pass: its fused operation takes both
 * gradients at once. This one uses the plain operations, whose gradients are taken one by one. Saved and loaded, it is
 * a stock convolution.
 */
export function imageConvolution(config: Config): Layer {
  const layer = layers.conv2d(config);
  const stock = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => {
    if (kwargs["training"] !== true) return stock(inputs, kwargs);
    return tidy(() => {
      const images = (Array.isArray(inputs) ? inputs[0] : inputs) as Tensor4D;
      const [kernel, bias] = layer.weights.map((weight) => weight.read());
      const strides = config.strides as number | [number, number] | undefined;
      const y: Tensor = conv2d(images, kernel as Tensor4D, strides ?? 1, config.padding);
      return bias === undefined ? y : add(y, bias);
    });
  };
  return layer;
}
