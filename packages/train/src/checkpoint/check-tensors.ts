import { StateError } from "@millrace/formats";
import type { NamedTensor } from "./safetensors.js";

/** A tensor as the model has it. */
export interface ExpectedTensor {
  readonly name: string;
  readonly shape: readonly (number | null)[];
}

/**
 * Checks that tensors of a checkpoint are those of a model, by number and shape: names of layers are counted up in a
 * process, so those may differ.
 * @throws {@link StateError} naming the first one that differs.
 */
export function checkTensors(what: string, expected: readonly ExpectedTensor[], found: readonly NamedTensor[]): void {
  const text = (tensor: ExpectedTensor | undefined): string =>
    tensor === undefined ? "none" : `${tensor.name} [${tensor.shape.join(", ")}]`;
  for (let index = 0; index < Math.max(expected.length, found.length); index++) {
    const [wanted, given] = [expected[index], found[index]];
    if (wanted !== undefined && given !== undefined && wanted.shape.join() === given.shape.join()) continue;
    const counts = expected.length === found.length ? "" : ` (${expected.length} expected, ${found.length} found)`;
    throw refuseOther(`its ${what} differ${counts}, first in number ${index}`, text(wanted), text(given));
  }
}

/** The error for a checkpoint of another model. */
export function refuseOther(problem: string, expected: string, found: string): StateError {
  return new StateError({
    problem: `the checkpoint is of another model: ${problem}`,
    expected,
    found,
    fix: "make the same model and optimizer as the run that wrote it, or train without resume",
  });
}
