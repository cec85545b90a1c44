import { evaluate, train, type BackendName, type TrainBatch, type TrainLoader } from "@millrace/train";
import { numbers, onBackend } from "../backends/on-backend.js";
import { CLASSES, createNet, IMAGE, nets } from "./nets.js";

const BATCH = 6;
/** Different batches; after them the first comes again. */
const BATCHES = 5;
const STATISTICS = { field: "image", values: 1, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

/** A batch of noise, on which a brighter corner says the class. */
function batchOf(number: number): TrainBatch {
  const [height, width, channels] = IMAGE;
  const pixels = height * width * channels;
  const noise = numbers(BATCH * pixels, number + 1);
  const labels = Int32Array.from({ length: BATCH }, (_, at) => (at * 3 + number) % CLASSES);
  const data = Uint8Array.from({ length: BATCH * pixels }, (_, at) => {
    const [label, pixel] = [labels[Math.floor(at / pixels)] ?? 0, Math.floor((at % pixels) / channels)];
    const corner = (Math.floor(pixel / width) < height / 2 ? 0 : 2) + (pixel % width < width / 2 ? 0 : 1);
    return 120 + 60 * (noise[at] ?? 0) + (corner === label ? 40 : 0);
  });
  return {
    size: BATCH,
    fields: {
      image: { data, dtype: "uint8", shape: [BATCH, ...IMAGE] },
      label: { data: labels, dtype: "int32", shape: [BATCH] },
    },
  };
}

function loaderOf(steps: number): TrainLoader {
  const batches = Array.from({ length: BATCHES }, (_, number) => batchOf(number));
  return {
    length: steps,
    async *[Symbol.asyncIterator]() {
      for (let step = 0; step < steps; step++) yield batches[step % BATCHES] as TrainBatch;
    },
  };
}

/** Trains a net as a user does, and returns the loss of every step and of an evaluation behind them. */
export async function trajectory(
  backendName: BackendName,
  net: string,
  steps: number,
): Promise<{ readonly losses: number[]; readonly evaluated: number }> {
  const settings = nets.get(net);
  if (settings === undefined) throw new RangeError(`no net ${net}`);
  const { build, optimizer, learningRate } = settings;
  return await onBackend(backendName, async (backend) => {
    const model = createNet(build);
    const losses: number[] = [];
    await train({
      loader: loaderOf(steps),
      model,
      backend,
      epochs: 1,
      optimizer,
      momentum: 0.9,
      learningRate,
      schedule: "constant",
      statistics: STATISTICS,
      fenceEvery: 1,
      onProgress: (progress) => void (progress.kind === "steps" && losses.push(progress.loss)),
    });
    const { loss } = await evaluate({ loader: loaderOf(BATCHES), model, backend, statistics: STATISTICS });
    model.dispose();
    return { losses, evaluated: loss };
  });
}
