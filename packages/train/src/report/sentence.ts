import { percent } from "../profile/verdict.js";
import type { Report } from "./report.js";

/** The verdict of a report in one sentence, without a full stop: what limits the run, by how much, what helps. */
export function verdictSentence(report: Report): string {
  return `${report.verdict.kind}: ${[...failureClause(report), ...clauses(report)].join("; ")}`;
}

function failureClause(report: Report): string[] {
  const failure = report.kind === "profile" ? report.failure : undefined;
  if (failure === undefined) return [];
  return [failure.step < 0 ? "the run failed in the warm-up" : `the run failed at step ${failure.step}`];
}

function clauses(report: Report): string[] {
  const { verdict, budget } = report;
  const headspace = `headspace ${report.headspace.toFixed(1)}x`;
  switch (verdict.kind) {
    case "input-bound":
      return [`${verdict.reason}${division(report)}`, headspace, predictedRemedy(report) ?? remedy(verdict.cause)];
    case "compute-bound":
      return [
        `${verdict.reason}, ${percent(budget.stall.fraction)} is stall`,
        `an infinitely fast loader gains ${report.headspace.toFixed(2)}x`,
      ];
    case "copy-bound":
      return [verdict.reason, `compute is ${percent(budget.compute.fraction)}`, headspace];
    case "balanced":
      return [verdict.reason, headspace];
    case "undecided":
      return verdict.stepsNeeded === undefined
        ? [verdict.reason]
        : [verdict.reason, `measure ${verdict.stepsNeeded} steps or more`];
  }
}

function division(report: Report): string {
  const { fetchStall, prepStall } = report.budget;
  if (fetchStall === undefined || prepStall === undefined) return "";
  return ` (fetch ${percent(fetchStall.fraction)}, prep ${percent(prepStall.fraction)})`;
}

/** The best change that the model of the run predicts, those first that are only an option. */
function predictedRemedy(report: Report): string | undefined {
  if (report.kind !== "profile") return undefined;
  const { whatIf: rows = [], phases } = report;
  const best = rows.find(({ needs }) => needs === "option") ?? rows[0];
  if (best === undefined) return undefined;
  const margin = phases?.uncertainty === undefined ? "" : `, give or take ${percent(phases.uncertainty)}`;
  return `${best.name} would gain ${(1 + best.gain).toFixed(2)}x${margin}`;
}

function remedy(cause: "fetch" | "prep" | "both" | undefined): string {
  switch (cause) {
    case "prep":
      return "more workers help before faster disks do";
    case "fetch":
      return "faster storage helps before more workers do";
    case "both":
      return "storage and workers both hold it up";
    case undefined:
      return "the source does not say what it waits for";
  }
}
