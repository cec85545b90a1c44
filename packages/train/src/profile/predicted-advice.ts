import type { Change } from "@millrace/loader";
import type { WhatIfRow } from "../report/report.js";
import type { TimeBudget } from "../time-budget.js";
import type { Advice } from "./advice.js";

/** Changes of one kind that are listed. */
const LISTED = 2;
/** From what costs least. */
const NEEDS = ["option", "conversion", "training", "hardware"] as const;
const TAKES: Readonly<Record<WhatIfRow["needs"], string>> = {
  option: "",
  conversion: "; the data have to be converted again",
  training: "",
  hardware: "; it needs other hardware",
};

/**
 * What a model of the run predicts, as advice: the best changes, those first that anybody can make.
 * @param rows - Best first.
 */
export function predictedAdvice(budget: TimeBudget, rows: readonly WhatIfRow[]): Advice[] {
  const listed = NEEDS.flatMap((needs) => rows.filter((row) => row.needs === needs).slice(0, LISTED));
  return listed.map(({ name, change, needs, samplesPerSec, bound, gain }) => {
    const code = stageOf(change);
    return {
      code,
      text: `${name}: ${samplesPerSec.toFixed(0)} samples/s, then ${bound}-bound${TAKES[needs]}.`,
      fraction: fractionOf(budget, code),
      gain: 1 + gain,
      isPredicted: true,
    };
  });
}

/** The part of a step that a change is about. */
function stageOf(change: Change): "fetch" | "prep" | "compute" {
  const { deviceFactor, modelFactor, batchSize, cacheFraction, storageBytesPerSec, storageFactor } = change;
  if (deviceFactor !== undefined || modelFactor !== undefined || batchSize !== undefined) return "compute";
  const isStorage = cacheFraction !== undefined || storageBytesPerSec !== undefined || storageFactor !== undefined;
  return isStorage ? "fetch" : "prep";
}

function fractionOf({ compute, stall, fetchStall, prepStall }: TimeBudget, code: "fetch" | "prep" | "compute"): number {
  if (code === "compute") return compute.fraction;
  return ((code === "fetch" ? fetchStall : prepStall) ?? stall).fraction;
}
