import {
  AvgPoolGrad,
  backend_util,
  getKernel,
  Multiply,
  registerKernel,
  unregisterKernel,
  type KernelBackend,
  type KernelConfig,
  type TensorInfo,
} from "@tensorflow/tfjs-core";

type Shape4D = [number, number, number, number];
type Size2D = number | [number, number];
type Padding = Parameters<typeof backend_util.computePool2DInfo>[4];
type PoolInfo = ReturnType<typeof backend_util.computePool2DInfo>;

const corrected = new Set<string>();

/**
 * Corrects the gradient of average pooling where windows reach into the padding. The stock kernels of `cpu` and `wasm`
 * divide by the size of the window there, while the pooling itself, as in TensorFlow, divides by the pixels that the
 * window holds. So the gradient that comes in is scaled by the one over the other, and the stock kernel does the rest.
 * Once a process is enough; calling again does nothing.
 */
export function correctAveragePoolGradient(backendName: "cpu" | "wasm"): void {
  const stock = getKernel(AvgPoolGrad, backendName);
  const multiply = getKernel(Multiply, backendName);
  if (stock === undefined || multiply === undefined || corrected.has(backendName)) return;
  corrected.add(backendName);
  unregisterKernel(AvgPoolGrad, backendName);
  registerKernel({
    ...stock,
    kernelFunc: ({ inputs, attrs = {}, backend: anyBackend }) => {
      const backend = anyBackend as KernelBackend;
      const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
      const { filterSize, strides, pad } = attrs as unknown as { filterSize: Size2D; strides: Size2D; pad: Padding };
      const pool = backend_util.computePool2DInfo(input.shape as Shape4D, filterSize, strides, 1, pad);
      const { top, bottom, left, right } = pool.padInfo;
      if (top + bottom + left + right === 0) return run(stock, { dy, input }, attrs, backend);
      const shape = [1, pool.outHeight, pool.outWidth, 1];
      const b: TensorInfo = { dataId: backend.write(shares(pool), shape, "float32"), shape, dtype: "float32" };
      const scaled = run(multiply, { a: dy, b }, {}, backend);
      try {
        return run(stock, { dy: scaled, input }, attrs, backend);
      } finally {
        for (const { dataId } of [b, scaled]) backend.disposeData(dataId);
      }
    },
  });
}

function run(
  { kernelFunc }: KernelConfig,
  inputs: Record<string, TensorInfo>,
  attrs: NonNullable<Parameters<KernelConfig["kernelFunc"]>[0]["attrs"]>,
  backend: KernelBackend,
): TensorInfo {
  return kernelFunc({ inputs, attrs, backend }) as TensorInfo;
}

/** Of each window `[outHeight, outWidth]`: its size over the number of pixels that it holds. */
function shares(pool: PoolInfo): Float32Array {
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, padInfo } = pool;
  const rows = held(outHeight, pool.strideHeight, filterHeight, padInfo.top, inHeight);
  const columns = held(outWidth, pool.strideWidth, filterWidth, padInfo.left, inWidth);
  return Float32Array.from(
    rows.flatMap((row) => columns.map((column) => (filterHeight * filterWidth) / (row * column))),
  );
}

/** How many of an axis's pixels each window holds. */
function held(windows: number, stride: number, size: number, before: number, pixels: number): number[] {
  return Array.from({ length: windows }, (_, window) => {
    const from = window * stride - before;
    return Math.min(from + size, pixels) - Math.max(from, 0);
  });
}
