import { expect, it } from "vitest";
import { explore } from "./explore.js";
import type { Instance } from "./scene.js";

const NAMES = "(FREE|OPEN|CLAIMED|READY|HELD)";
/** How it may end: with all batches taken, or aborted, each slot in one of the states that `ring.ts` lists. */
const ENDING = new RegExp(`^(all taken: HELD HELD|aborted: ${NAMES} ${NAMES})$`, "u");

/** An instance of two slots, and how many states it has: another number means that the protocol is another. */
export interface Counted extends Pick<Instance, "numWorkers" | "sizes"> {
  readonly faults?: Partial<Pick<Instance, "deaths" | "losses" | "aborts">>;
  readonly states: number;
}

/** Tests that nothing goes wrong in any state of these instances, that all of them reach an end, and who needs a deadline. */
export function testInstances(list: readonly Counted[]): void {
  for (const { numWorkers, sizes, faults, states } of list) {
    const fault = Object.entries(faults ?? { "no fault": 1 }).map(([name, count]) => `${name}: ${count}`);
    const title = `${states} states of ${numWorkers} workers, batches of ${sizes.join(", ")}, ${fault.join(", ")}`;
    it(`delivers each sample once, in order, and comes to an end, in all ${title}`, () => {
      const instance = { numWorkers, sizes, numSlots: 2, runLength: 1, deaths: 0, losses: 0, aborts: 0, ...faults };
      const { endings, wrong, stuck, deadlines, ...rest } = explore(instance);
      expect([[...wrong], stuck, rest.states]).toEqual([[], 0, states]);
      expect([...endings].filter((ending) => !ENDING.test(ending))).toEqual([]);
      expect(endings).toContain("all taken: HELD HELD");
      const needsDeadlines = faults?.deaths !== undefined || faults?.losses !== undefined;
      expect(needsDeadlines || deadlines === 0).toBe(true);
    });
  }
}
