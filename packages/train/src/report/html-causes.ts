import { percent } from "../profile/verdict.js";
import type { Straggler } from "../time-budget.js";
import { causeLines, LAG_NOTE, stragglerCause } from "./causes-text.js";
import { markup, type SafeHtml } from "./escape.js";
import { card } from "./html-card.js";
import { inMs } from "./html-phases.js";
import type { Report } from "./report.js";

/** What went on beside the steps: the workers as a bar, garbage collection, lag, and the slowest steps. */
export function causesSection(report: Report): SafeHtml | undefined {
  const { causes, budget } = report;
  if (causes === undefined && budget.stragglers.length === 0) return undefined;
  const lines = causeLines(report)
    .filter(({ name }) => name !== "workers" && name !== "stragglers")
    .map(({ name, text }) => markup`<dt>${name}</dt><dd>${text}</dd>`);
  return card(
    "Beside the budget",
    markup`${causes?.workers === undefined ? undefined : occupancy(causes.workers)}
${lines.length === 0 ? undefined : markup`<dl>${lines}</dl><p class="soft small">${LAG_NOTE}</p>`}
${budget.stragglers.length === 0 ? undefined : stragglerTable(budget.stragglers, budget.stragglerCount)}`,
  );
}

type Workers = NonNullable<NonNullable<Report["causes"]>["workers"]>;

function occupancy({ fetchFraction, prepFraction, idleFraction, ringReadyFraction }: Workers): SafeHtml {
  return markup`<h3>Time of the workers</h3>
<div class="stack slim">${segment("fetch", "fetch", fetchFraction)}${segment("prep", "prep", prepFraction)}${segment("other", "waiting for room", idleFraction)}</div>
<p class="keys">${keyOf("fetch", "fetch", fetchFraction)}${keyOf("prep", "prep", prepFraction)}${keyOf("other", "waiting for room", idleFraction)}</p>
<h3>A batch lay ready</h3>
<div class="stack slim">${segment("compute", "ready", ringReadyFraction)}${segment("track", "not yet", 1 - ringReadyFraction)}</div>
<p class="keys">${keyOf("compute", "of the run", ringReadyFraction)}</p>`;
}

function toneOf({ part, cause }: Straggler): string {
  return cause === "fetch" || cause === "prep" ? cause : part;
}

function segment(tone: string, name: string, fraction: number): SafeHtml {
  return markup`<i class="tone-${tone}" style="flex:${(fraction * 1000).toFixed(1)}" title="${name} ${percent(fraction)}"></i>`;
}

function keyOf(tone: string, name: string, fraction: number): SafeHtml {
  return markup`<span><span class="dot tone-${tone}"></span>${name} <b>${percent(fraction)}</b></span>`;
}

function stragglerTable(stragglers: readonly Straggler[], count: number): SafeHtml {
  const rows = stragglers.map(
    (
      straggler,
    ) => markup`<tr><td>${straggler.step}</td><td>${inMs(straggler.wallMs)}</td><td>${inMs(straggler.excessMs)}</td>
<td class="left"><span class="dot tone-${toneOf(straggler)}"></span>${stragglerCause(straggler)}</td></tr>`,
  );
  const title = count > stragglers.length ? `The slowest ${stragglers.length} of ${count} slow steps` : "Slow steps";
  return markup`<h3>${title}</h3><div class="wide"><table><thead><tr><th>step</th><th>took</th><th>over the median</th>
<th class="left">slowed down by</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}
