import { type KernelConfig, Mean, Sum, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { gradientModule } from "./gradient-module.js";
import { type KernelCall, wasmKernel } from "./kernel-call.js";

/**
 * Sums over all axes but the last, as the gradient of a bias takes them; about ten times faster than the stock kernel,
 * which transposes first. Every other reduction is left to `stock`.
 */
export function columnSum(stock: KernelConfig): KernelConfig {
  return columnReduction(Sum, stock, () => 1);
}

/** Means over all axes but the last, as batch norm takes them. Every other reduction is left to `stock`. */
export function columnMean(stock: KernelConfig): KernelConfig {
  return columnReduction(Mean, stock, (rows) => 1 / rows);
}

function columnReduction(kernelName: string, stock: KernelConfig, scale: (rows: number) => number): KernelConfig {
  return wasmKernel(
    kernelName,
    (call) => {
      const x = call.input("x");
      const columns = x.shape.at(-1) ?? 0;
      if (x.dtype !== "float32" || columns === 0 || !isAllButLast(call, x)) return call.runStock(stock);
      const rows = util.sizeFromShape(x.shape) / columns;
      if (rows === 0) return call.runStock(stock);
      const keepsAxes = call.attribute("keepDims") === true;
      const sums = call.output(keepsAxes ? [...x.shape.slice(0, -1).map(() => 1), columns] : [columns]);
      gradientModule(call.backend).columnSums(call.address(x), call.address(sums), rows, columns, scale(rows));
      return sums;
    },
    stock,
  );
}

function isAllButLast(call: KernelCall, x: TensorInfo): boolean {
  const rank = x.shape.length;
  const axes = util.parseAxisParam(call.attribute("axis") as number | number[], x.shape).toSorted((a, b) => a - b);
  return rank > 1 && axes.length === rank - 1 && axes.every((axis, i) => axis === i);
}
