import type { DatasetSplit } from "@millrace/formats";

/** Names samples by their numbers in the split. */
export type SampleKeys = (indices: readonly number[]) => Promise<readonly string[]>;

/** Samples that a message names, at most. */
const NAMED = 32;

/** Names the samples of a split by their field `key`, the path of what each was made from; by numbers without one. */
export function sampleKeys(split: DatasetSplit): SampleKeys {
  return async (indices) => {
    const keys: string[] = [];
    for (const index of indices) {
      const key = (await split.read(index)).get("key");
      keys.push(typeof key === "string" ? key : String(index));
    }
    return keys;
  };
}

/** `the samples cat/1.jpg, cat/7.jpg and 30 more`. A name that cannot be told is a number. */
export async function describeSamples(indices: ArrayLike<number>, keys: SampleKeys | undefined): Promise<string> {
  const named = Array.from(indices).slice(0, NAMED);
  const names = await namesOf(named, keys);
  const more = indices.length > NAMED ? ` and ${indices.length - NAMED} more` : "";
  return `the samples ${names.join(", ")}${more}`;
}

/** One name for each number. */
export async function namesOf(indices: readonly number[], keys: SampleKeys | undefined): Promise<readonly string[]> {
  try {
    return (await keys?.(indices)) ?? indices.map(String);
  } catch {
    // The message is about something else, which matters more.
    return indices.map(String);
  }
}
