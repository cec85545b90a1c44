import { changeModel, predict, type Change, type PipelineModel } from "@millrace/loader";
import type { Verdict } from "./verdict.js";

/** Factors on the input of a model; an absent one is 1. */
export type Calibration = Pick<Change, "prepFactor" | "storageFactor">;

/** An input that the model has as more than so many times as fast as the run, or as slow, is another input. */
const MOST = 2;
const HALVINGS = 30;

/**
 * The factor on the input of a model that makes it predict the run that it was measured of. A run whose input holds it up
 * is a measurement of that input, and a longer one than the phases, made beside the step: predictions of what a change
 * brings begin there. Empty where the input does not hold the run up, and where no factor within {@link MOST} explains
 * the run.
 *
 * @param samplesPerSec - Of the run.
 */
export function calibrationOf(model: PipelineModel, samplesPerSec: number, verdict: Verdict): Calibration {
  if (verdict.kind !== "input-bound") return {};
  const change = (factor: number): Calibration => ({
    ...(verdict.cause === "fetch" ? {} : { prepFactor: 1 / factor }),
    ...(verdict.cause === "prep" ? {} : { storageFactor: factor }),
  });
  const rate = (factor: number): number => predict(changeModel(model, change(factor))).samplesPerSec;
  let [low, high] = [1 / MOST, MOST];
  if (rate(low) > samplesPerSec || rate(high) < samplesPerSec) return {};
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = Math.sqrt(low * high);
    if (rate(middle) < samplesPerSec) low = middle;
    else high = middle;
  }
  return change(low);
}
