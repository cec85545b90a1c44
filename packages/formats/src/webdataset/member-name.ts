/** The name of a member as WebDataset takes it apart: samples are runs of members with the same key. */
export interface SampleName {
  /** Path and base name up to its first dot. */
  readonly key: string;
  /** What follows that dot: `jpg`, `seg.png`. */
  readonly suffix: string;
}

/**
 * Takes a member's name apart as `webdataset.tariterators.base_plus_ext` does. `undefined` for what belongs to no
 * sample: names without a dot or with nothing before it, and what lies in a folder named `__…__`.
 */
export function splitMemberName(name: string): SampleName | undefined {
  if (name[0] === "_" && /^__[^/]*__(?:$|\/)/u.test(name)) return undefined;
  const base = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", base);
  return dot <= base ? undefined : { key: name.slice(0, dot), suffix: name.slice(dot + 1) };
}
