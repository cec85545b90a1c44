import { readFileSync } from "node:fs";

/**
 * Bytes that storage gave to this process so far, all its threads, as Linux counts them (`read_bytes` in proc(5),
 * `/proc/pid/io`): what the page cache had is not in it. `undefined` where the system does not tell.
 */
export function diskReadBytes(): number | undefined {
  try {
    const match = /^read_bytes: (\d+)$/mu.exec(readFileSync("/proc/self/io", "utf8"));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}
