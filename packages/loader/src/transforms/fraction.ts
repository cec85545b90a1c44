import { OptionError } from "@millrace/formats/shard";
import { shownValue } from "../shown-value.js";

/**
 * Checks which part of the samples a transform changes.
 * @returns `fraction`.
 * @throws {@link OptionError} if it is not from 0 to 1.
 */
export function checkFraction(transform: string, fraction: number): number {
  if (typeof fraction === "number" && fraction >= 0 && fraction <= 1) return fraction;
  throw new OptionError({
    option: "transforms",
    problem: `${transform}: the fraction is impossible`,
    expected: "0 to 1",
    found: shownValue(fraction),
  });
}
