import type { PartSummary, TimeBudget } from "../time-budget.js";

/** A line of the budget as a report shows it. */
export interface BudgetRow {
  readonly name: "step" | "stall" | "fetch" | "prep" | "copy" | "compute" | "other";
  /** 1 for what the line above divides into. */
  readonly level: 0 | 1;
  readonly summary: PartSummary;
}

/** The lines of a budget in the order in which reports show them; fetch and prep only where they are known. */
export function budgetRows(budget: TimeBudget): BudgetRow[] {
  const row = (name: BudgetRow["name"], summary: PartSummary | undefined, level: 0 | 1 = 0): BudgetRow[] =>
    summary === undefined ? [] : [{ name, level, summary }];
  return [
    ...row("stall", budget.stall),
    ...row("fetch", budget.fetchStall, 1),
    ...row("prep", budget.prepStall, 1),
    ...row("copy", budget.copy),
    ...row("compute", budget.compute),
    ...row("other", budget.other),
    ...row("step", budget.wall),
  ];
}
