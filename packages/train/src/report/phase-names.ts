import type { Bound } from "@millrace/loader";
import { percent } from "../profile/verdict.js";
import { digits } from "./digits.js";
import type { AppliedReport, PhaseReport, PhasesReport, WhatIfRow } from "./report.js";

/** What a reader sees of a phase: its name, its letter, and the part of the budget whose colour it has. */
export interface PhaseLabel {
  readonly name: string;
  readonly letter: string;
  readonly tone: "compute" | "prep" | "fetch" | "stall";
}

/** Labels of the phases. */
export const PHASE_LABELS: Readonly<Record<PhaseReport["name"], PhaseLabel>> = {
  synthetic: { name: "step alone", letter: "G", tone: "compute" },
  memory: { name: "loader, data in memory", letter: "P", tone: "prep" },
  cold: { name: "reading cold data", letter: "F", tone: "fetch" },
  input: { name: "input alone", letter: "I", tone: "stall" },
};

const BOUND_NAMES: Readonly<Record<Bound, string>> = { fetch: "reading", prep: "the loader", compute: "the step" };

const BOUND_PHASES: Readonly<Record<Bound | "input", PhaseReport["name"]>> = {
  fetch: "cold",
  prep: "memory",
  compute: "synthetic",
  input: "input",
};

/** What a change takes, in words; nothing where it is an option. */
export const NEEDS_TEXT: Readonly<Record<WhatIfRow["needs"], string>> = {
  option: "",
  conversion: "a new conversion",
  training: "trains in another way",
  hardware: "other hardware",
};

/** Whether a phase is the one that limits the run. What it limits it to may differ: of cached data less is read. */
export function isLowest({ name }: PhaseReport, { boundSamplesPerSec, bound }: PhasesReport): boolean {
  return boundSamplesPerSec !== undefined && BOUND_PHASES[bound ?? "input"] === name;
}

/** Whether the phases confirm the run, in one or two sentences. */
export function comparisonText({ boundSamplesPerSec, bound, interference, agrees }: PhasesReport): string {
  if (boundSamplesPerSec === undefined) return "A part is missing, so the run cannot be compared with them.";
  const name = bound === undefined ? "the input" : BOUND_NAMES[bound];
  const limit = `its lowest limit, ${name} at ${digits(boundSamplesPerSec)} samples/s`;
  if (interference === undefined || Math.abs(interference) < 0.0005)
    return `The run is as fast as ${limit}. ${agreementText(agrees)}`;
  const distance = `${percent(Math.abs(interference))} ${interference > 0 ? "slower" : "faster"}`;
  return `The run is ${distance} than ${limit}${interference > 0 ? " (interference)" : ""}. ${agreementText(agrees)}`;
}

function agreementText(agrees: boolean | undefined): string {
  if (agrees === undefined) return "Whether that confirms the verdict, the figures do not tell.";
  return agrees ? "That confirms the verdict." : "That contradicts the verdict.";
}

/** How far a prediction was off: `1.8 % too much`. */
export function errorText({ errorFraction }: AppliedReport): string {
  if (Math.abs(errorFraction) < 0.0005) return "exact";
  return `${percent(Math.abs(errorFraction))} too ${errorFraction > 0 ? "much" : "little"}`;
}
