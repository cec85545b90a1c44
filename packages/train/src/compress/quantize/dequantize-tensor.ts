import { dequantizeCodebook } from "./codebook.js";
import { fromFloat16 } from "./float16.js";
import { dequantizeInt8 } from "./int8.js";
import { dequantizeProduct } from "./product.js";
import type { QuantizedTensor } from "./quantized-tensor.js";

/** The weights of a tensor as float32, row-major. Those of kind `float32` are the tensor's own memory. */
export function dequantizeTensor(tensor: QuantizedTensor): Float32Array {
  switch (tensor.kind) {
    case "float32":
      return tensor.data;
    case "float16":
      return fromFloat16(tensor.data);
    case "int8":
      return dequantizeInt8(tensor);
    case "codebook":
      return dequantizeCodebook(tensor);
    case "product":
      return dequantizeProduct(tensor);
  }
}
