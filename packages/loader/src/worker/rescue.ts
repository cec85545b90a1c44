import { errorToData } from "@millrace/formats";
import type { Activity } from "../ring/activity.js";
import { SAMPLE_STATE, type Ring } from "../ring/ring.js";
import type { Deaths } from "./deaths.js";
import type { BadSample } from "./protocol.js";

/** What {@link rescue} has done. */
export interface Rescue {
  /** Samples that are bad from now on, as workers die of them. */
  readonly bad: readonly BadSample[];
  /** True if what was reported of a sample before is void, as it is made anew. */
  isVoid(report: BadSample): boolean;
}

/**
 * Takes back the claims that dead workers have kept: offers their cells again, but for those of quarantined samples,
 * which become bad. It does so only when nobody alive can hold a claim, see the drawing in `ring.ts`.
 * @returns `undefined` as long as somebody may; try again later.
 */
export function rescue(ring: Ring, activities: readonly Activity[], deaths: Deaths): Rescue | undefined {
  if (ring.hasOpen || !activities.every((activity) => activity.isIdle)) return undefined;
  const bad: BadSample[] = [];
  const anew = new Map<number, { readonly from: number; readonly to: number }>();
  for (let slot = 0; slot < ring.layout.numSlots; slot++) {
    const lost = ring.lostCells(slot);
    if (lost === undefined) continue;
    anew.set(slot, lost);
    const samples = ring.samples(slot);
    const states = ring.states(slot);
    const quarantined = new Set<number>();
    for (let cell = lost.from; cell < lost.to; cell++) {
      const error = deaths.quarantined(samples[cell] as number);
      if (error === undefined) continue;
      states[cell] = SAMPLE_STATE.bad;
      quarantined.add(cell);
      bad.push({ slot, cell, error: errorToData(error) });
    }
    // Without those at its ends, which need not be offered.
    const { from, to } = ring.lostCells(slot) ?? lost;
    ring.reoffer(slot, from, to, quarantined);
  }
  const isVoid = ({ slot, cell }: BadSample): boolean => {
    const range = anew.get(slot);
    return range !== undefined && cell >= range.from && cell < range.to;
  };
  return { bad, isVoid };
}
