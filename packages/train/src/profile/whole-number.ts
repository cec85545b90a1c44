import { OptionError } from "@millrace/formats";

/**
 * The value of an option that is a whole number.
 * @throws {@link OptionError} if it is none, or less than `least`.
 */
export function wholeNumber(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new OptionError({
    option,
    problem: "is impossible",
    expected: `a whole number from ${least}`,
    found: typeof value === "string" ? JSON.stringify(value) : String(value),
  });
}
