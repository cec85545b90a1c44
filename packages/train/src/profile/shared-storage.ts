import { changeModel, predict, type PipelineModel } from "@millrace/loader";
import type { Verdict } from "./verdict.js";

/** Input that gets so much faster with faster storage is limited by it. */
const LEAST_FACTOR = 1.1;
/** Storage that is no limit any more. */
const FAR_FASTER = 1000;

/**
 * The verdict with `fetch` as its cause where a limit of storage that all workers share holds up the input. Workers
 * prepare while storage gathers what it gives next, so what they were seen to do says too little of such a limit; what
 * tells is that the input would be faster with faster storage, and not with faster preparation.
 */
export function withSharedStorage(verdict: Verdict, model: PipelineModel): Verdict {
  if (verdict.kind !== "input-bound" || verdict.cause === undefined || verdict.cause === "fetch") return verdict;
  if (model.storageBytesPerSec === undefined) return verdict;
  const { inputPerSec } = predict(model);
  const isLimit = predict(changeModel(model, { storageFactor: FAR_FASTER })).inputPerSec > LEAST_FACTOR * inputPerSec;
  const isOnly = predict(changeModel(model, { prepFactor: 1 / FAR_FASTER })).inputPerSec < LEAST_FACTOR * inputPerSec;
  return isLimit && isOnly ? { ...verdict, cause: "fetch" } : verdict;
}
