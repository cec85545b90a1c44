import { OptionError } from "@millrace/formats";
import { keep, mul, type Tensor, tensor, tidy, where, zerosLike } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { WeightRule } from "../../training/weight-rule.js";
import { kernelsOf } from "./kernels.js";
import type { WeightMask, WeightMasks } from "./mask-weights.js";

/**
 * Makes the masked weights of a model zero, in place. Train on with {@link maskRule}, so that they stay so.
 * @throws {@link OptionError} if the masks are of another model; nothing has been changed then.
 */
export function applyMasks(model: LayersModel, masks: WeightMasks): void {
  const kernels = new Map(kernelsOf(model, []).map((kernel) => [kernel.name, kernel]));
  for (const [name, { shape, keep: stays }] of masks) {
    const kernel = kernels.get(name);
    if (kernel !== undefined && String(kernel.shape) === String(shape) && kernel.size === stays.length) continue;
    throw new OptionError({
      option: "masks",
      problem: `do not fit the model's weight ${name}`,
      expected: kernel === undefined ? "a kernel of this name" : `[${kernel.shape.join(", ")}]`,
      found: kernel === undefined ? "none" : `[${shape.join(", ")}] with ${stays.length} numbers`,
      fix: "make the masks with maskWeights for this model",
    });
  }
  for (const [name, mask] of masks) {
    const weight = kernels.get(name)?.weight;
    // A product would turn negative numbers into minus zero.
    tidy(() => {
      weight?.write(where(maskTensor(mask, "bool"), weight.read(), zerosLike(weight.read())));
    });
  }
}

/** A {@link WeightRule} that holds tensors until it is disposed. */
export interface MaskRule extends WeightRule, Disposable {}

/**
 * Keeps masked weights at zero through {@link train}, as the option `weightRule`: their gradients are zero, and so are
 * the weights after each update. They must be zero at the start: call {@link applyMasks} first. The rule keeps the masks
 * on the device; dispose it after training, and before its backend is closed.
 */
export function maskRule(masks: WeightMasks): MaskRule {
  const onDevice = new Map<string, Tensor>();
  const masked = (name: string, value: Tensor): Tensor => {
    const mask = masks.get(name);
    if (mask === undefined) return value;
    const known = onDevice.get(name) ?? keep(maskTensor(mask, "float32"));
    onDevice.set(name, known);
    return mul(value, known);
  };
  return {
    gradient: masked,
    project: masked,
    [Symbol.dispose]: () => {
      for (const mask of onDevice.values()) mask.dispose();
      onDevice.clear();
    },
  };
}

function maskTensor({ shape, keep: stays }: WeightMask, dtype: "bool" | "float32"): Tensor {
  return tensor(dtype === "bool" ? stays : Float32Array.from(stays), [...shape], dtype);
}
