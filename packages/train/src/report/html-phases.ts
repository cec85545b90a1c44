import { percent } from "../profile/verdict.js";
import { digits, rateText } from "./digits.js";
import { markup, type SafeHtml } from "./escape.js";
import { card } from "./html-card.js";
import { comparisonText, errorText, isLowest, PHASE_LABELS } from "./phase-names.js";
import type { AppliedReport, PhaseReport, PhasesReport, ProfileReport } from "./report.js";

/** A bar ends at so many times the rate of the run; what is faster is cut. */
const LONGEST = 4;

/** The phases as bars, with a line where the run is. */
export function phasesSection({ phases: report }: ProfileReport): SafeHtml | undefined {
  if (report === undefined) return undefined;
  const { phases, inRunSamplesPerSec } = report;
  const rates = phases.map(({ samplesPerSec }) => samplesPerSec ?? 0);
  const top = Math.max(inRunSamplesPerSec, Math.min(Math.max(...rates), LONGEST * inRunSamplesPerSec)) * 1.04;
  const share = (rate: number): string => `${(top > 0 ? Math.min(1, rate / top) * 100 : 0).toFixed(2)}%`;
  const line = markup`<b class="mark" style="left:${share(inRunSamplesPerSec)}"></b>`;
  return card(
    "Measured one by one",
    markup`<p class="lead">${comparisonText(report)}</p>
<div class="phases">${phases.map((phase) => phaseRow(phase, report, { share, top, line }))}
<div class="phase run"><div class="name">in the run</div>
<div class="track"><i style="width:${share(inRunSamplesPerSec)}"></i>${line}</div>
<div class="value">${rateText(inRunSamplesPerSec)} <small>samples/s</small></div></div></div>
${report.residency === "" ? undefined : markup`<p class="soft small">${report.residency}</p>`}`,
  );
}

interface Scale {
  readonly share: (rate: number) => string;
  readonly top: number;
  readonly line: SafeHtml;
}

function phaseRow(phase: PhaseReport, report: PhasesReport, { share, top, line }: Scale): SafeHtml {
  const { name, samplesPerSec, spread, note } = phase;
  const { name: label, letter, tone } = PHASE_LABELS[name];
  const badge = isLowest(phase, report) ? markup` <span class="badge">lowest</span>` : undefined;
  const value =
    samplesPerSec === undefined
      ? markup`<span class="soft">not measured</span>`
      : markup`${rateText(samplesPerSec)} <small>± ${percent(spread ?? 0)}</small>`;
  const cut = samplesPerSec !== undefined && samplesPerSec > top ? "cut" : "";
  const bar =
    samplesPerSec === undefined ? undefined : markup`<i class="${cut}" style="width:${share(samplesPerSec)}"></i>`;
  return markup`<div class="phase tone-${tone}"><div class="name">${label} <small>${letter}</small>${badge}</div>
<div class="track">${bar}${line}</div><div class="value">${value}</div><p class="note">${note}</p></div>`;
}

/** Changes that were made, predicted beside measured, and earlier runs. */
export function appliedSection({ applied = [], facts }: ProfileReport): SafeHtml | undefined {
  const before = facts.filter(({ name }) => name === HISTORY_FACT);
  if (applied.length === 0 && before.length === 0) return undefined;
  const runs = before.map(({ value }) => markup`<li>${value}</li>`);
  return card(
    applied.length === 0 ? "Earlier runs" : "Changed, and measured again",
    markup`${applied.length === 0 ? undefined : appliedTable(applied)}
${runs.length === 0 ? undefined : markup`<p class="soft small">Earlier runs of these data:</p><ul class="soft small">${runs}</ul>`}`,
  );
}

/** Name of the facts that are earlier runs. */
export const HISTORY_FACT = "before";

function appliedTable(applied: readonly AppliedReport[]): SafeHtml {
  const rows = applied.map((entry) => {
    const { name, beforePerSec, predictedPerSec, measuredPerSec, before, after } = entry;
    const gain = beforePerSec > 0 ? `${(measuredPerSec / beforePerSec).toFixed(2)}x` : "";
    return markup`<tr><th scope="row">${name}</th><td>${rateText(beforePerSec)}</td><td>${rateText(predictedPerSec)}</td>
<td><b>${rateText(measuredPerSec)}</b></td><td>${gain}</td><td>${errorText(entry)}</td><td class="left">${before} → ${after}</td></tr>`;
  });
  return markup`<div class="wide"><table><thead><tr><th>change</th><th>before</th><th>predicted</th><th>measured</th><th>gain</th>
<th>prediction</th><th class="left">verdict</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** A duration for a table. */
export function inMs(value: number): string {
  return `${digits(value)} ms`;
}
