import { readCheckpoint, createModel, type Backend, train, type TrainLoader, type TrainOptions } from "@millrace/train";
import { tempDir } from "@millrace/testkit";
import { readdir } from "node:fs/promises";
import { millraceError } from "../rejection.js";

/** Height and width of the images. */
export const SIZE = 16;
const PIXELS = SIZE * SIZE;

/** Batches of two float32 images of two classes; in batch `at` both have a pixel that is `value`. */
export function poisoned(batches: number, at: number, value: number): TrainLoader {
  const label = { data: Int32Array.of(0, 1), dtype: "int32", shape: [2] } as const;
  return {
    length: batches,
    async *[Symbol.asyncIterator]() {
      for (let step = 0; step < batches; step++) {
        const data = Float32Array.from({ length: 2 * PIXELS }, (_, n) => Math.sin(n + step));
        if (step === at) for (const image of [0, PIXELS]) data[image + 37] = value;
        const image = { data, dtype: "float32", shape: [2, SIZE, SIZE, 1] } as const;
        const indices = Uint32Array.of(2 * step, 2 * step + 1);
        yield await Promise.resolve({ size: 2, step, indices, fields: { image, label } });
      }
    },
  };
}

/** What makes the weights worth nothing, and the step in which it does. */
export interface Poison {
  readonly what: string;
  readonly step: number;
  readonly loader: TrainLoader;
  readonly options?: Partial<TrainOptions>;
  /** The backend cpu takes a second for most. */
  readonly isCheap?: boolean;
}

const constant = { schedule: "constant" } as const;

/** Adam's second moment is an infinity after 1e30, while every weight and every loss stays finite. */
export const POISONS: readonly Poison[] = [
  ...[Number.NaN, Infinity, -Infinity, 1e30].map((value) => ({
    what: `the value ${value}`,
    step: 2,
    loader: poisoned(5, 2, value),
  })),
  { what: "a NaN in the last batch", step: 3, loader: poisoned(4, 3, Number.NaN) },
  {
    what: "a NaN, with sgd",
    step: 1,
    loader: poisoned(3, 1, Number.NaN),
    options: { optimizer: "sgd" },
    isCheap: true,
  },
  { what: "a rate", step: 1, loader: poisoned(5, -1, 0), options: { learningRate: 1e30, ...constant } },
  {
    what: "a rate beyond floats",
    step: 0,
    loader: poisoned(1, -1, 0),
    options: { learningRate: 1e300, ...constant },
    isCheap: true,
  },
];

const sampleKeys = async (indices: readonly number[]): Promise<string[]> =>
  await Promise.resolve(indices.map((n) => `cat/${n}.jpg`));

/** How a run ends, that saves at its end only, or after every step. */
interface End {
  /** What the run says, up to what it expected. */
  readonly message: string;
  /** Updates in the newest checkpoint. */
  readonly saved: number | undefined;
  readonly tensorsLeft: number;
}

/** How both runs should end. */
export function endsOf({ step }: Poison): End[] {
  const message = `step ${step}, in the batch of the samples cat/${2 * step}.jpg, cat/${2 * step + 1}.jpg`;
  return [undefined, step === 0 ? undefined : step].map((saved) => ({ message, saved, tensorsLeft: 0 }));
}

/** Trains LeNet-5 until the poison works. */
export async function poison(backend: Backend, { loader, options }: Poison): Promise<End[]> {
  const ends: End[] = [];
  for (const everySteps of [undefined, 1]) {
    const dir = tempDir();
    const before = backend.tf.memory().numTensors;
    const model = createModel("lenet", { classes: 3, inputShape: [SIZE, SIZE, 1] });
    const checkpoint = { dir, everySteps };
    const run = train({ loader, model, backend, epochs: 1, sampleKeys, checkpoint, ...options });
    const { message } = await millraceError(run);
    model.dispose();
    ends.push({
      message: message.replace(/^the (update|loss) of (step \d).*?, (in the batch .*); expected.*$/u, "$2, $3"),
      saved: (await readdir(dir)).length === 0 ? undefined : (await readCheckpoint(dir)).step,
      tensorsLeft: backend.tf.memory().numTensors - before,
    });
  }
  return ends;
}
