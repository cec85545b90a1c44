import type { Tensor } from "@tensorflow/tfjs-core";
import type { WeightRule } from "../../training/weight-rule.js";

type Part = keyof WeightRule;

/** Rules one after the other: each gets what the one before made of the weight, or of its gradient. */
export function combineRules(...rules: readonly WeightRule[]): WeightRule {
  const chain = (part: Part): WeightRule[Part] => {
    const steps = rules.flatMap((rule) => rule[part] ?? []);
    if (steps.length === 0) return undefined;
    return (name: string, tensor: Tensor) => steps.reduce((before, step) => step(name, before), tensor);
  };
  return { forward: chain("forward"), gradient: chain("gradient"), project: chain("project") };
}
