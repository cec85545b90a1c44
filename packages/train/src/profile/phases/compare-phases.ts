import { changeModel, predict, type Bound, type PipelineModel, type Prediction } from "@millrace/loader";
import type { Warning } from "../../report/report.js";
import { INPUT_BOUND, percent, type Verdict } from "../verdict.js";

/** A limit on a run, measured apart from the others. */
export interface Limit {
  /** `undefined`: the input as a whole, of which the parts are not known. */
  readonly bound: Bound | undefined;
  readonly samplesPerSec: number;
  /** Half the range of three blocks over their mean. */
  readonly spread: number;
}

/** What the phases say of a run. */
export interface Comparison {
  /** The lowest limit. */
  readonly boundSamplesPerSec: number | undefined;
  readonly bound: Bound | undefined;
  /** The share of the lowest limit that the run does not reach; less than 0 if it is faster. */
  readonly interference: number | undefined;
  /** Whether the verdict of the run is what the phases say; `undefined` where they cannot tell. */
  readonly agrees: boolean | undefined;
  /** The widest spread of a limit that matters and is not known well; `undefined` where there is none. */
  readonly uncertainty: number | undefined;
  readonly warnings: readonly Warning[];
}

/** What the limits together let expect of the run. */
interface Expectation {
  readonly samplesPerSec: number;
  /** How much slower than the step the input is, as a share of the step's rate; less than 0 where it is faster. */
  readonly lag: number;
  readonly bound: Bound | undefined;
  readonly takesTurns: boolean;
}

/** A rate that varies more than this is not known well enough to be compared. */
const WIDE = 0.15;
/** The spread of what is so many times as fast as the lowest makes no difference. */
const FAR_FROM = 1.5;
/** A balanced run's input is no more than this slower than its step. */
const BALANCED = 0.25;
/** A rate that varies by all of itself is still above nothing. */
const LEAST_FACTOR = 0.01;
/** Losing more than this to running at the same time is worth a word. */
const WORTH_SAYING = 0.1;

const NAMES: Readonly<Record<Bound, string>> = { fetch: "reading", prep: "the loader", compute: "the step" };

function nameOf(bound: Bound | undefined): string {
  return bound === undefined ? "the input" : NAMES[bound];
}

/**
 * Compares a run with the limits that were measured one by one: which is the lowest, how far the run stays below it,
 * and whether the verdict of the run is what they let expect.
 * @param model - Of the run as it is; without one the limits are all that is known.
 */
export function comparePhases(
  limits: readonly Limit[],
  inRunPerSec: number,
  verdict: Verdict,
  model: PipelineModel | undefined,
): Comparison {
  const compute = limits.find(({ bound }) => bound === "compute");
  const inputs = limits
    .filter(({ bound }) => bound !== "compute")
    .toSorted((a, b) => a.samplesPerSec - b.samplesPerSec);
  const [input] = inputs;
  const lowestPerSec = Math.min(...limits.map(({ samplesPerSec }) => samplesPerSec));
  const noisy = limits.filter(
    ({ samplesPerSec, spread }) => spread > WIDE && samplesPerSec * (1 - spread) < FAR_FROM * lowestPerSec,
  );
  const uncertainty = noisy.length === 0 ? undefined : Math.max(...noisy.map(({ spread }) => spread));
  const warnings = noisy.map(noisyWarning);
  if (compute === undefined || input === undefined) {
    const unknown = { boundSamplesPerSec: undefined, bound: undefined, interference: undefined, agrees: undefined };
    return { ...unknown, uncertainty, warnings };
  }
  const least = compute.samplesPerSec <= input.samplesPerSec ? compute : input;
  const expect = model === undefined ? expectationOf(compute, input, inRunPerSec) : predictedExpectation(model);
  const expected = expect(1, 1);
  const interference = 1 - inRunPerSec / least.samplesPerSec;
  const agrees = agreement(verdict, expect, compute, inputs);
  if (agrees === false) warnings.push(disagreement(verdict, expected));
  if (interference > WORTH_SAYING) warnings.push(interferenceWarning(interference, expected, inRunPerSec));
  return { boundSamplesPerSec: least.samplesPerSec, bound: least.bound, interference, agrees, uncertainty, warnings };
}

/** What to expect if the input were `input` times and the step `device` times as fast as measured. */
type Expect = (input: number, device: number) => Expectation;

function predictedExpectation(model: PipelineModel): Expect {
  return (input, device) => {
    const change = { prepFactor: 1 / input, storageFactor: input, deviceFactor: device };
    return ofPrediction(predict(changeModel(model, change)));
  };
}

function ofPrediction({ samplesPerSec, inputPerSec, computePerSec, bound }: Prediction): Expectation {
  // Where loader and step take turns, the run is slower than either.
  const takesTurns = samplesPerSec < 0.999 * Math.min(inputPerSec, computePerSec);
  const lag = 1 - (takesTurns ? samplesPerSec : inputPerSec) / computePerSec;
  return { samplesPerSec, lag, bound, takesTurns };
}

/**
 * Whether an iterable makes batches beside the step or only when it is asked is not known: the one of the two holds that
 * explains the run better.
 */
function expectationOf(compute: Limit, input: Limit, inRunPerSec: number): Expect {
  const beside = Math.min(compute.samplesPerSec, input.samplesPerSec);
  const inTurn = turnRate(compute.samplesPerSec, input.samplesPerSec);
  const takesTurns = Math.abs(inRunPerSec - inTurn) < Math.abs(inRunPerSec - beside);
  return (inputFactor, deviceFactor) => {
    const inputPerSec = input.samplesPerSec * inputFactor;
    const computePerSec = compute.samplesPerSec * deviceFactor;
    const suppliedPerSec = takesTurns ? turnRate(inputPerSec, computePerSec) : inputPerSec;
    const lag = 1 - suppliedPerSec / computePerSec;
    const bound = lag < INPUT_BOUND ? compute.bound : input.bound;
    return { samplesPerSec: Math.min(suppliedPerSec, computePerSec), lag, bound, takesTurns };
  };
}

/** The rate of two that wait for each other. */
function turnRate(first: number, second: number): number {
  return 1 / (1 / first + 1 / second);
}

/** Whether the verdict is what the limits let expect; `undefined` where it depends on what their spread leaves open. */
function agreement(verdict: Verdict, expect: Expect, compute: Limit, inputs: readonly Limit[]): boolean | undefined {
  if (verdict.kind === "undecided") return undefined;
  const spread = Math.max(...inputs.filter((input) => mayBeLowest(input, inputs)).map((input) => input.spread));
  const lags = [
    expect(1 + spread, Math.max(LEAST_FACTOR, 1 - compute.spread)).lag,
    expect(Math.max(LEAST_FACTOR, 1 - spread), 1 + compute.spread).lag,
  ];
  const limit = verdict.kind === "balanced" ? BALANCED : INPUT_BOUND;
  const isInput = lags.every((lag) => lag >= limit);
  if (!isInput && lags.some((lag) => lag >= limit)) return undefined;
  if (verdict.kind !== "input-bound") return !isInput;
  return isInput ? causeAgrees(verdict.cause, expect(1, 1).bound, inputs) : false;
}

/** False for what is so much faster than the lowest that its spread does not matter. */
function mayBeLowest({ samplesPerSec, spread }: Limit, [lowest]: readonly Limit[]): boolean {
  return samplesPerSec * (1 - spread) <= (lowest?.samplesPerSec ?? 0) * (1 + (lowest?.spread ?? 0));
}

/** Whether reading or preparing, whichever is slower, is what the run's stall is said to come from. */
function causeAgrees(cause: Verdict["cause"], bound: Bound | undefined, inputs: readonly Limit[]): boolean | undefined {
  // Where input and step take turns, the step may be the slower one, and the input a stall all the same.
  const slower = bound === "compute" ? inputs[0]?.bound : bound;
  if (cause === undefined || cause === "both" || slower === undefined || cause === slower) return true;
  return inputs.every((input) => mayBeLowest(input, inputs)) ? undefined : false;
}

function noisyWarning({ bound, spread }: Limit): Warning {
  return {
    code: "noisy-phase",
    text: `Alone, ${nameOf(bound)} varied by ${percent(spread)} from block to block: its rate is known no better. Measure on a quieter machine, or longer.`,
  };
}

function disagreement(verdict: Verdict, { bound }: Expectation): Warning {
  const cause = verdict.cause === undefined || verdict.kind !== "input-bound" ? "" : ` by ${verdict.cause}`;
  return {
    code: "phases-disagree",
    text: `The run is ${verdict.kind}${cause}, but measured one by one, ${nameOf(bound)} is the slowest.`,
  };
}

function interferenceWarning(interference: number, expected: Expectation, inRunPerSec: number): Warning {
  const isExplained = Math.abs(expected.samplesPerSec / inRunPerSec - 1) <= WORTH_SAYING;
  const why = expected.takesTurns
    ? "batches are made while the step waits, not beside it"
    : "workers read and prepare in turn, and input and step share the CPUs";
  return {
    code: "interference",
    text: `The run is ${percent(interference)} slower than its lowest limit alone${isExplained ? `, as expected: ${why}.` : ": input and step take time from each other."}`,
  };
}
