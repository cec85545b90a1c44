import type { TrainLoader } from "../training/train-options.js";

/**
 * A loader that begins with a later epoch: a run of training on it counts its own epochs from 0, while the order and what
 * happens at random are those of epochs that nothing has been trained on yet.
 * @param first - Epoch of the loader that is epoch 0.
 */
export function laterEpochs(loader: TrainLoader, first: number): TrainLoader {
  const { length, statistics } = loader;
  return {
    length,
    statistics,
    epoch: (epoch) => loader.epoch?.(first + epoch) ?? loader,
    [Symbol.asyncIterator]: () => loader[Symbol.asyncIterator](),
  };
}
