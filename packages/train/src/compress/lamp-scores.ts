import type { LayersModel } from "@tensorflow/tfjs-layers";

/**
 * Scores for {@link maskWeights} by which all layers can share one threshold: the square of a weight over the sum of the
 * squares of its tensor that are not smaller (LAMP: Lee et al., "Layer-adaptive Sparsity for the Magnitude-based Pruning",
 * 2021). Weights go by their magnitude within a layer, and layers in which few large weights carry much keep more of theirs,
 * where one threshold on magnitudes would empty them. The largest weight of each tensor has the score 1.
 * @returns one score for each number of a weight, by the weight's `originalName`.
 */
export async function lampScores(model: LayersModel): Promise<Map<string, Float32Array>> {
  const scores = new Map<string, Float32Array>();
  for (const weight of model.weights) scores.set(weight.originalName, lampOf(await weight.read().data()));
  return scores;
}

function lampOf(weights: ArrayLike<number>): Float32Array {
  const squares = Float64Array.from(weights, (value) => value * value);
  const largestFirst = Uint32Array.from(squares.keys()).toSorted(
    (a, b) => (squares[b] as number) - (squares[a] as number) || a - b,
  );
  const scores = new Float32Array(squares.length);
  let sum = 0;
  for (const at of largestFirst) {
    const square = squares[at] as number;
    sum += square;
    scores[at] = sum > 0 ? square / sum : 0;
  }
  return scores;
}
