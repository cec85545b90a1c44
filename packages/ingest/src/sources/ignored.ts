import { compareBytewise } from "../bytewise.js";
import type { IgnoredFiles, IgnoredReason } from "./source.js";

/** Names kept for each reason. */
const EXAMPLES = 5;

/** Counts what a listing leaves out and keeps the bytewise first names, so that it does not depend on the disk's order. */
export class IgnoredCollector {
  readonly #reasons = new Map<IgnoredReason, { count: number; examples: string[] }>();

  /** Counts one file or folder. */
  add(reason: IgnoredReason, path: string): void {
    const entry = this.#reasons.get(reason) ?? { count: 0, examples: [] };
    this.#reasons.set(reason, entry);
    entry.count++;
    entry.examples.push(path);
    if (entry.examples.length <= EXAMPLES) return;
    entry.examples.sort(compareBytewise);
    entry.examples.pop();
  }

  /** What was counted, in order of the reasons' names. */
  toData(): IgnoredFiles[] {
    return [...this.#reasons]
      .map(([reason, { count, examples }]) => ({ reason, count, examples: examples.toSorted(compareBytewise) }))
      .toSorted((a, b) => compareBytewise(a.reason, b.reason));
  }
}
