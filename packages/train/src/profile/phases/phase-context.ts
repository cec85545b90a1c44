import type { Clock } from "../../clock.js";
import type { StepWatch } from "../../step-watch.js";

/** The phases of a measurement, in their order. */
export const PHASES = ["synthetic", "input", "memory", "cold", "scaling"] as const;
/** A phase of a measurement. */
export type PhaseName = (typeof PHASES)[number];

/** What the phases have in common. */
export interface PhaseContext {
  readonly watch: StepWatch;
  readonly clock: Clock;
  /** CPU time of the process so far, in ms, all its threads. */
  readonly cpuMs: () => number;
  /** Bytes that storage gave to the process so far; `undefined` where the system does not tell. */
  readonly diskReadBytes: () => number | undefined;
  /** Batches that a phase measures, at most. */
  readonly batches: number;
  /** Time of a phase in ms. */
  readonly ms: number;
  readonly samplesPerBatch: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told when a phase begins. */
  readonly onPhase: (phase: PhaseName) => void;
}

/** What goes before the reason of a phase that has no figure. */
export const NOT_MEASURED = "not measured: ";

/** Why a phase failed, for its note. An abort is no failure of a phase: it is thrown. */
export function whyNot(error: unknown, signal: AbortSignal | undefined): string {
  if (signal?.aborted === true) throw error;
  return error instanceof Error ? error.message : String(error);
}
