import { OptionError } from "@millrace/formats";
import { wholeNumber } from "../whole-number.js";
import { diskReadBytes as systemReadBytes } from "./disk-reads.js";
import { LEAST_BATCHES } from "./measure-blocks.js";

/** How the phases of {@link profile} are measured. */
export interface PhaseOptions<B> {
  /** Batches that a phase measures, at most. Default 200. */
  readonly batches?: number | undefined;
  /**
   * Time of a phase in seconds, about, and at most as long before it to warm up; three batches are measured however long
   * they take. Default 2.
   */
  readonly seconds?: number | undefined;
  /**
   * Measures the loader with 1, 2, 4, ... workers up to the CPUs, too, each twice. Default false; of
   * {@link profileAndApply} true.
   */
  readonly scaling?: boolean | undefined;
  /**
   * Makes a batch that the step may consume from one that it may not: called before each step on the batch that is
   * repeated. Needed where a step disposes of its batch; batches of millrace's loader need none.
   */
  readonly copyBatch?: ((batch: B) => B) | undefined;
  /** CPU time of the process so far, in ms. Default: what the system says. */
  readonly cpuMs?: (() => number) | undefined;
  /** Bytes that storage, not the page cache, gave to the process so far. Default: what the system says, if it does. */
  readonly diskReadBytes?: (() => number | undefined) | undefined;
}

/** {@link PhaseOptions} with nothing left open. */
export interface PhaseSettings<B> {
  readonly batches: number;
  readonly ms: number;
  readonly scaling: boolean;
  readonly copyBatch: ((batch: B) => B) | undefined;
  readonly cpuMs: () => number;
  readonly diskReadBytes: () => number | undefined;
}

/**
 * Checks the option `phases`; `undefined` if they are not to be measured.
 * @throws {@link OptionError} if one is impossible.
 */
export function phaseSettings<B>(phases: boolean | PhaseOptions<B>): PhaseSettings<B> | undefined {
  if (phases === false) return undefined;
  const given = phases === true ? {} : phases;
  const { batches = 200, seconds = 2, scaling = false, copyBatch } = given;
  const { cpuMs = processCpuMs, diskReadBytes = systemReadBytes } = given;
  if (!(seconds > 0 && seconds <= 3600)) {
    throw new OptionError({
      option: "phases.seconds",
      problem: "is impossible",
      expected: "a number above 0, at most 3,600",
      found: String(seconds),
    });
  }
  return {
    batches: wholeNumber("phases.batches", batches, LEAST_BATCHES),
    ms: seconds * 1000,
    scaling,
    copyBatch,
    cpuMs,
    diskReadBytes,
  };
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
