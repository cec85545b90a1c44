import { type KernelConfig, UnsortedSegmentSum, util } from "@tensorflow/tfjs-core";
import { wasmKernel } from "./kernel-call.js";

/**
 * Sums the rows of `x` that have the same segment number, which is the gradient of `tf.gather`. The stock backend lacks
 * it. Rows of a negative number are left out, as TensorFlow does; the sums have the type of `x`.
 */
export const unsortedSegmentSum: KernelConfig = wasmKernel(UnsortedSegmentSum, (call) => {
  const x = call.input("x", "float32", "int32");
  const segmentIds = call.input("segmentIds", "int32");
  const numSegments = call.attribute("numSegments") as number;
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const rowLength = util.sizeFromShape(rowShape);
  const sums = call.backend.makeOutput([numSegments, ...rowShape], x.dtype);
  const to = call.backend.typedArrayFromHeap(sums).fill(0);
  const from = call.backend.typedArrayFromHeap(x);
  call.backend.typedArrayFromHeap(segmentIds).forEach((segment, row) => {
    if (segment < 0 || segment >= numSegments) return;
    for (let i = 0; i < rowLength; i++) to[segment * rowLength + i]! += from[row * rowLength + i]!;
  });
  return sums;
});
