import { createDataset, type Statistics } from "@millrace/formats";
import { initializers, layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";

/** Height and width of the images. */
const SIZE = 12;
/** What can be seen: a pattern a class. */
const PATTERNS: readonly ((x: number, y: number) => number)[] = [
  (x) => x & 2,
  (_, y) => y & 2,
  (x, y) => (x + y) & 2,
  (x, y) => (x ^ y) & 2,
];
export const CLASSES: number = PATTERNS.length;

/** Mean and deviation of the pixels, about. */
export const STATISTICS: Statistics = { field: "image", values: 1, mean: [0.5], std: [0.2] };

/** Numbers that look random, 0..1, the same each time. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Writes a dataset of noisy stripes, uint8 `[12, 12, 1]`, sample `n` of class `n % 4`, and returns its folder. */
export async function makeStripes(dir: string, samples: Readonly<Record<string, number>>): Promise<string> {
  const writer = await createDataset(dir, {
    format: "arrow",
    classes: PATTERNS.map((_, label) => `pattern ${label}`),
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [SIZE, SIZE, 1] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  });
  const random = noise(7);
  for (const [split, count] of Object.entries(samples)) {
    for (let n = 0; n < count; n++) {
      const pattern = PATTERNS[n % CLASSES] as (x: number, y: number) => number;
      const image = Uint8Array.from({ length: SIZE * SIZE }, (_, at) =>
        Math.floor(60 + 60 * pattern(at % SIZE, Math.floor(at / SIZE)) * 0.5 + 70 * random()),
      );
      await writer.write(
        new Map<string, Uint8Array | Int32Array>([
          ["image", image],
          ["label", Int32Array.of(n % CLASSES)],
        ]),
        split,
      );
    }
  }
  await writer.finish();
  return dir;
}

/** A small model with all kinds of state: weights, batch norm's averages, and dropout. */
export function makeModel(options: { readonly isSoftmax?: boolean; readonly dropout?: number } = {}): LayersModel {
  return sequential({
    layers: [
      layers.conv2d({
        inputShape: [SIZE, SIZE, 1],
        filters: 8,
        kernelSize: 3,
        kernelInitializer: initializers.glorotUniform({ seed: 1 }),
      }),
      layers.batchNormalization({}),
      layers.activation({ activation: "relu" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten({}),
      layers.dropout({ rate: options.dropout ?? 0.2 }),
      layers.dense({
        units: CLASSES,
        kernelInitializer: initializers.glorotUniform({ seed: 2 }),
        activation: options.isSoftmax === true ? "softmax" : "linear",
      }),
    ],
  });
}
