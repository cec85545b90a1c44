/*
 * Checks of JSON in files that every thread reads which opens a shard. They are written by hand, as the library that
 * checks all other JSON takes each thread a tenth of a second of CPU to load.
 */

/** The value that JSON stands for; `undefined` if it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True for an object that is no list: any of its properties may be missing, or anything. */
export function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for a list of at most `most` members, each of which `isMember` accepts. */
export function isListOf<T>(
  value: unknown,
  isMember: (member: unknown) => member is T,
  most: number = Infinity,
): value is T[] {
  return Array.isArray(value) && value.length <= most && value.every(isMember);
}

/** True for an integer that a number holds exactly, of 0 or more. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** True for one of the `choices`. */
export function isOneOf<T extends string>(value: unknown, choices: readonly T[]): value is T {
  return (choices as readonly unknown[]).includes(value);
}
