import { markup, trusted, type SafeHtml } from "../report/escape.js";
import { card } from "../report/html-card.js";
import { STYLE } from "../report/html-style.js";
import { settingText } from "./candidate-grid.js";
import { accuracyText, comparisonRows } from "./comparison-rows.js";
import type { CandidateReport, CompressReport, LinkReport } from "./compress-report.js";
import { isChosen, linkMeasured, outcomeSentence, skippedLines } from "./compress-text.js";
import { frontChart } from "./front-chart.js";
import { bytesText, countText, factorText, pointsText } from "./size-text.js";

const COMPRESS_STYLE = `
.front { width: 100%; height: auto; display: block; font: 13px system-ui, sans-serif; } .front text { fill: var(--soft); }
.front .axis { stroke: var(--line); } .front .limit { stroke: var(--stall); stroke-dasharray: 5 4; }
.front .within { fill: var(--compute); } .front .lost { fill: var(--stall); opacity: 0.6; } .front .before { fill: var(--ink); }
.front .chosen { fill: none; stroke: var(--ink); stroke-width: 2; } .front .front-line { fill: none; stroke: var(--compute); opacity: 0.5; }
tr.chosen th, tr.chosen td { font-weight: 650; } td.left { white-space: normal; min-width: 150px; } td.worse { color: var(--stall); }
`;

/**
 * A report of compression as one static HTML page without scripts. It is complete in itself: a policy in its head forbids
 * every request. Light or dark as the reader's system is. Text from outside is escaped.
 */
export function compressReportToHtml(report: CompressReport): string {
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>millrace compress</title>
<style>${trusted(STYLE + COMPRESS_STYLE)}</style></head>
<body><main>
${headerSection(report)}
${tilesSection(report)}
${comparisonSection(report)}
${candidatesSection(report)}
${report.link === undefined ? undefined : linkSection(report.link)}
${warningsSection(report)}
</main></body></html>
`.text;
}

function headerSection(report: CompressReport): SafeHtml {
  const tone = report.after === undefined ? "stall" : "compute";
  const badge = report.after === undefined ? "not met" : "within the loss";
  const sentence = outcomeSentence(report).replace(/^not met: /u, "");
  const facts = report.facts.map(({ name, value }) => markup`<span>${name} <b>${value}</b></span>`);
  return markup`<header><p class="brand">millrace compress</p>
<h1><span class="badge tone-${tone}">${badge}</span> ${sentence}</h1>
<div class="facts">${facts}</div></header>`;
}

function tile(value: string, text: string): SafeHtml {
  return markup`<div class="tile"><b>${value}</b><span>${text}</span></div>`;
}

function tilesSection({ before, after }: CompressReport): SafeHtml | undefined {
  if (after === undefined) return undefined;
  const latency = (after.speed?.latency ?? []).flatMap(({ batchSize, p50Ms }, index) => {
    const was = before.speed?.latency[index]?.p50Ms;
    return was === undefined ? [] : [tile(factorText(was / p50Ms), `forward passes of ${batchSize}: times as fast`)];
  });
  return markup`<div class="tiles">${tile(factorText(before.bytes.float32 / after.bytes.packed), "smaller file")}
${tile(`${pointsText(after.accuracy.value)} %`, `accuracy, ${pointsText(before.accuracy.value)} % before`)}
${tile(factorText(before.nonZero / after.nonZero), "fewer weights that are not 0")}
${tile(factorText(before.macs / after.macs), "fewer multiply-adds")}
${latency}</div>`;
}

function comparisonSection({ before, after }: CompressReport): SafeHtml {
  const rows = comparisonRows(before, after ?? before).map((row) => {
    const others =
      after === undefined
        ? undefined
        : markup`<td>${row.after}</td><td class="${row.isWorse ? "worse" : ""}">${row.change}</td>`;
    return markup`<tr><th>${row.name}</th><td>${row.before}</td>${others}</tr>`;
  });
  const head = after === undefined ? undefined : markup`<th>after</th><th></th>`;
  return card(
    after === undefined ? "The model" : "Before and after",
    markup`<div class="wide"><table><thead><tr><th></th><th>before</th>${head}</tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}

function candidatesSection(report: CompressReport): SafeHtml {
  const rows = report.candidates
    .filter(({ outcome }) => outcome !== "skipped")
    .map((candidate) => candidateRow(candidate, isChosen(candidate.setting, report.chosen)));
  const skipped = skippedLines(report.candidates).map((line) => markup`<p class="soft small">${line}</p>`);
  return card(
    "All settings",
    markup`${frontChart(report)}
<div class="wide"><table><thead><tr><th>filters</th><th>sparsity</th><th>bits</th><th>accuracy</th><th>points</th><th>not 0</th>
<th>multiply-adds</th><th>packed</th><th class="left">outcome</th></tr></thead><tbody>${rows}</tbody></table></div>${skipped}`,
  );
}

function candidateRow({ setting, outcome, reason, model, accuracyDrop }: CandidateReport, chosen: boolean): SafeHtml {
  const { filterShare, sparsity, bits } = setting;
  const cells =
    model === undefined
      ? markup`<td></td><td></td><td></td><td></td><td></td>`
      : markup`<td>${accuracyText(model.accuracy)}</td><td>${pointsText(-(accuracyDrop ?? 0))}</td>
<td>${countText(model.nonZero)}</td><td>${countText(model.macs)}</td><td>${bytesText(model.bytes.packed)}</td>`;
  return markup`<tr class="${chosen ? "chosen" : outcome}" title="${settingText(setting)}"><td>${filterShare}</td><td>${sparsity}</td><td>${bits}</td>
${cells}<td class="left">${chosen ? "chosen" : outcome}<br><small>${reason}</small></td></tr>`;
}

function linkSection(link: LinkReport): SafeHtml {
  const measured = linkMeasured(link).map((line) => markup`<p class="soft small">${line}</p>`);
  return card("What it asks of the input", markup`<p>${link.text}</p>${measured}`);
}

function warningsSection({ warnings }: CompressReport): SafeHtml | undefined {
  if (warnings.length === 0) return undefined;
  return card("Keep in mind", markup`<ul class="soft">${warnings.map(({ text }) => markup`<li>${text}</li>`)}</ul>`);
}
