import type { Scalar, Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import type { TensorFlow } from "../backends/backend.js";

/** The losses by name. */
export const LOSSES = ["crossEntropy", "focal"] as const;
/** The name of a loss. */
export type LossName = (typeof LOSSES)[number];

/** What a step minimises. */
export type Loss =
  | {
      readonly name: "crossEntropy";
      /** 0 to less than 1. */
      readonly labelSmoothing: number;
    }
  | {
      readonly name: "focal";
      readonly focalGamma: number;
      /** One weight for all classes, or one for each. */
      readonly focalAlpha: number | readonly number[];
    };

/** A loss in words: `focal, focalGamma 2, focalAlpha 1`. */
export function lossText(loss: Loss): string {
  if (loss.name === "crossEntropy") return `${loss.name}, labelSmoothing ${loss.labelSmoothing}`;
  return `${loss.name}, focalGamma ${loss.focalGamma}, focalAlpha ${[loss.focalAlpha].flat().join(" ")}`;
}

/** Plain cross-entropy. */
export const CROSS_ENTROPY: Loss = { name: "crossEntropy", labelSmoothing: 0 };

/** What a model returns: unnormalised scores, or the probabilities of a softmax layer. */
export type ModelOutput = "logits" | "probabilities";

/** Probabilities are kept off zero by this, the machine epsilon of TensorFlow.js. */
const EPSILON = 1e-7;

/**
 * The mean loss of a batch, in nats.
 * @param outputs - `[batch, classes]`.
 * @param labels - `[batch]`, int32, 0 to classes - 1.
 */
export function meanLoss(tf: TensorFlow, loss: Loss, outputs: Tensor2D, labels: Tensor1D, kind: ModelOutput): Scalar {
  return loss.name === "focal"
    ? focal(tf, loss, outputs, labels, kind)
    : crossEntropy(tf, loss.labelSmoothing, outputs, labels, kind);
}

/**
 * Label smoothing (Szegedy et al., 2016, section 7) spreads this share of the target evenly over all classes, that of
 * the label included.
 */
function crossEntropy(
  tf: TensorFlow,
  labelSmoothing: number,
  outputs: Tensor2D,
  labels: Tensor1D,
  kind: ModelOutput,
): Scalar {
  const classes = outputs.shape[1];
  const target = tf.oneHot(labels, classes);
  if (kind === "logits") {
    return tf.losses.softmaxCrossEntropy<typeof target, Scalar>(target, outputs, undefined, labelSmoothing);
  }
  const log = tf.log(tf.clipByValue(outputs, EPSILON, 1));
  const ofLabel = tf.neg(tf.mean(tf.sum(tf.mul(tf.cast(target, "float32"), log), 1)));
  if (labelSmoothing === 0) return ofLabel as Scalar;
  return tf.sub(tf.mul(ofLabel, 1 - labelSmoothing), tf.mul(tf.mean(log), labelSmoothing));
}

/**
 * `-alpha (1 - p)^gamma log p`, with the probability `p` of the label (Lin et al., "Focal Loss for Dense Object
 * Detection", 2017, equation 5, over a softmax); the mean over the batch, whatever the weights.
 */
function focal(
  tf: TensorFlow,
  { focalGamma, focalAlpha }: Extract<Loss, { name: "focal" }>,
  outputs: Tensor2D,
  labels: Tensor1D,
  kind: ModelOutput,
): Scalar {
  const target = tf.cast(tf.oneHot(labels, outputs.shape[1]), "float32");
  const log = kind === "logits" ? tf.logSoftmax(outputs) : tf.log(tf.clipByValue(outputs, EPSILON, 1));
  const logOfLabel: Tensor = tf.sum(tf.mul(target, log), 1);
  // Rounding must not make the base negative, nor the slope of the power infinite.
  const rest = tf.clipByValue(tf.sub(1, tf.exp(logOfLabel)), EPSILON, 1);
  const each = tf.mul(tf.pow(rest, focalGamma), logOfLabel);
  const alpha = typeof focalAlpha === "number" ? focalAlpha : tf.sum(tf.mul(target, tf.tensor1d([...focalAlpha])), 1);
  return tf.neg(tf.mean(tf.mul(each, alpha)));
}

/** How many of a batch have their highest output at their label: a float32 scalar. */
export function countCorrect(tf: TensorFlow, outputs: Tensor2D, labels: Tensor1D): Scalar {
  return tf.sum(tf.cast(tf.equal(tf.argMax(outputs, 1), labels), "float32"));
}
