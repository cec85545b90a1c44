import type { BackendName } from "@millrace/train";
import { onBackend } from "../backends/on-backend.js";
import { Bench } from "./bench.js";
import { cases } from "./cases.js";

/** What a backend makes of a case: the values of its tensors, or the error that it throws. */
export type Outcome = readonly Float32Array[] | string;

/** The outcome of every case on a backend. */
export async function compute(name: BackendName): Promise<ReadonlyMap<string, Outcome>> {
  return await onBackend(name, (backend) => {
    const { tf } = backend;
    const outcomes = new Map<string, Outcome>();
    for (const [title, run] of cases) {
      tf.engine().startScope();
      try {
        const values = run(new Bench(tf)).map((tensor) => Float32Array.from(tensor.dataSync()));
        outcomes.set(title, values);
      } catch (error) {
        outcomes.set(title, error instanceof Error ? error.message : String(error));
      } finally {
        tf.engine().endScope();
      }
    }
    return outcomes;
  });
}

const DILATED =
  "Error in gradient of conv2D: dilation rates greater than 1 are not yet supported in gradients. Got dilations '2'";

/** Cases that no backend of TensorFlow.js computes, and its error. */
export const NO_REFERENCE: ReadonlyMap<string, string> = new Map(
  [...cases.keys()].filter((title) => title.includes("dilation 2")).map((title) => [title, DILATED]),
);
