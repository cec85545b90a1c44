import { OptionError } from "@millrace/formats";

/** How the share of zeros grows over a run. Steps count from 0; a step may as well be an epoch or a round. */
export type SparsitySchedule =
  | {
      /** Fast at first, when there is much to spare, then ever slower. */
      readonly kind: "cubic";
      /** Default 0. */
      readonly initialSparsity?: number | undefined;
      readonly finalSparsity: number;
      /** The last step with `initialSparsity`. Default 0. */
      readonly beginStep?: number | undefined;
      /** The first step with `finalSparsity`. */
      readonly endStep: number;
      /** The share changes every so many steps. Default 1. */
      readonly every?: number | undefined;
    }
  | {
      /** All at once. */
      readonly kind: "oneShot";
      readonly finalSparsity: number;
      /** The step at which it happens. Default 0. */
      readonly beginStep?: number | undefined;
    }
  | {
      /** In rounds, each of which leaves the same share of what the one before left. */
      readonly kind: "iterative";
      readonly finalSparsity: number;
      readonly rounds: number;
      /** Steps of a round. Default 1. */
      readonly every?: number | undefined;
    };

/**
 * The share of zeros at a step, 0 to 1: a pure function. `cubic` is `final + (initial - final) * (1 - progress)^3`, as in
 * Zhu and Gupta, "To prune, or not to prune" (2017), equation 1; `iterative` leaves `(1 - final)^(round / rounds)`, as the
 * rounds of Han et al., "Learning both Weights and Connections" (2015), and of Frankle and Carbin (2019).
 * @throws {@link OptionError} if the schedule is impossible.
 */
export function sparsityAt(schedule: SparsitySchedule, step: number): number {
  check(schedule);
  const { finalSparsity } = schedule;
  if (schedule.kind === "oneShot") return step >= (schedule.beginStep ?? 0) ? finalSparsity : 0;
  const { every = 1 } = schedule;
  if (schedule.kind === "iterative") {
    const round = Math.min(schedule.rounds, Math.max(0, Math.floor(step / every) + 1));
    return round === schedule.rounds ? finalSparsity : 1 - (1 - finalSparsity) ** (round / schedule.rounds);
  }
  const { initialSparsity = 0, beginStep = 0, endStep } = schedule;
  if (step >= endStep) return finalSparsity;
  const since = Math.floor(Math.max(0, step - beginStep) / every) * every;
  return finalSparsity + (initialSparsity - finalSparsity) * (1 - since / (endStep - beginStep)) ** 3;
}

function check(schedule: SparsitySchedule): void {
  const { finalSparsity } = schedule;
  share("finalSparsity", finalSparsity);
  if (schedule.kind === "cubic") {
    const { initialSparsity = 0, beginStep = 0, endStep, every = 1 } = schedule;
    share("initialSparsity", initialSparsity);
    if (initialSparsity > finalSparsity)
      throw impossible("initialSparsity", `at most ${finalSparsity}`, initialSparsity);
    whole("beginStep", beginStep, 0);
    whole("endStep", endStep, beginStep + 1);
    whole("every", every, 1);
  } else if (schedule.kind === "oneShot") whole("beginStep", schedule.beginStep ?? 0, 0);
  else {
    whole("rounds", schedule.rounds, 1);
    whole("every", schedule.every ?? 1, 1);
  }
}

function share(option: string, value: number): void {
  if (!(value >= 0 && value < 1)) throw impossible(option, "0 to less than 1", value);
}

function whole(option: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least)) throw impossible(option, `a whole number from ${least}`, value);
}

function impossible(option: string, expected: string, found: number): OptionError {
  return new OptionError({ option, problem: "is impossible", expected, found: String(found) });
}
