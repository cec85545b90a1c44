/** True in `npm run test:long`, where counts are those of the promise and not a sample of them. */
export const LONG_TIER: boolean = process.env["MILLRACE_TIER"] === "long";

/** A count that is a parameter of the tier: `few` in `npm test`, `many` in `npm run test:long`. */
export function count(few: number, many: number): number {
  return LONG_TIER ? many : few;
}

/** The seed of random tests: `MILLRACE_SEED`, or 1. A failing run prints it, so it can be repeated. */
export const SEED: number = Number(process.env["MILLRACE_SEED"] ?? 1);
