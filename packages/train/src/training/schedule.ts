/** How the learning rate goes on after the warm-up. */
export const SCHEDULES = ["cosine", "constant"] as const;
/** How the learning rate goes on after the warm-up. */
export type ScheduleName = (typeof SCHEDULES)[number];

/** What decides the learning rate of every step. */
export interface Schedule {
  readonly name: ScheduleName;
  /** The highest rate. */
  readonly learningRate: number;
  /** Steps in which the rate grows linearly up to it. */
  readonly warmupSteps: number;
  /** Steps of the whole run; only `cosine` needs them. */
  readonly totalSteps: number;
}

/**
 * The learning rate of a step, a pure function. `cosine` falls along half a cosine to zero at the end of the run
 * (Loshchilov and Hutter, "SGDR", 2017, without restarts).
 */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { learningRate, warmupSteps, totalSteps } = schedule;
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  if (schedule.name === "constant") return learningRate;
  const done = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return (learningRate * (1 + Math.cos(Math.PI * done))) / 2;
}
