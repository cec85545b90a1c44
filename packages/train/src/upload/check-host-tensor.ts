import { isArrayOf, OptionError } from "@millrace/formats";
import type { HostTensor, PixelAffine } from "./host-tensor.js";

/** The shape of a batch of images, `[batch, height, width, channels]`. */
export type ImageShape = readonly [number, number, number, number];

/**
 * Checks that a batch of images can be uploaded, and returns its shape.
 * @throws {@link OptionError} that says what does not fit.
 */
export function checkImage(image: HostTensor, affine: PixelAffine | undefined): ImageShape {
  const [batch, height, width, channels, ...more] = image.shape;
  if (batch === undefined || height === undefined || width === undefined || channels === undefined || more.length > 0)
    throw unfit("images have the wrong shape", "[batch, height, width, channels]", shapeText(image));
  if (image.dtype !== "uint8" && image.dtype !== "float32")
    throw unfit("images have the wrong dtype", "uint8 or float32", image.dtype, "normalise them in the loader");
  checkData(image, "images");
  if (affine !== undefined) {
    for (const [name, numbers] of [["scale", affine.scale] as const, ["shift", affine.shift] as const]) {
      if (numbers.length !== channels || !numbers.every(Number.isFinite))
        throw unfit(`${name} of the pixels does not fit`, `${channels} finite numbers`, `[${numbers.join(", ")}]`);
    }
  }
  return [batch, height, width, channels];
}

const LABEL_DTYPES: ReadonlySet<string> = new Set(["uint8", "int8", "uint16", "int16", "uint32", "int32"]);

/**
 * Checks that a batch of class numbers can be uploaded.
 * @throws {@link OptionError} that says what does not fit.
 */
export function checkLabels(labels: HostTensor): void {
  if (labels.shape.length !== 1) throw unfit("labels have the wrong shape", "[batch]", shapeText(labels));
  if (!LABEL_DTYPES.has(labels.dtype))
    throw unfit("labels have the wrong dtype", [...LABEL_DTYPES].join(", "), labels.dtype);
  checkData(labels, "labels");
}

function checkData(tensor: HostTensor, what: string): void {
  const data: object = tensor.data;
  if (!isArrayOf(tensor.dtype, data))
    throw unfit(`${what} are not in an array of their dtype`, tensor.dtype, data.constructor.name);
  const length = tensor.shape.reduce((product, size) => product * size, 1);
  if (tensor.data.length !== length)
    throw unfit(`${what} do not fill their shape ${shapeText(tensor)}`, `${length} elements`, `${tensor.data.length}`);
}

function shapeText(tensor: HostTensor): string {
  return `[${tensor.shape.join(", ")}]`;
}

function unfit(problem: string, expected: string, found: string, fix?: string): OptionError {
  return new OptionError({ problem, expected, found, fix });
}
