import { percent, type VerdictKind } from "../profile/verdict.js";
import { digits, rateText } from "./digits.js";
import { markup, type SafeHtml } from "./escape.js";
import { card } from "./html-card.js";
import { HISTORY_FACT, inMs } from "./html-phases.js";
import type { Report, TrainReport, WhatIfRow } from "./report.js";
import { budgetRows, type BudgetRow } from "./rows.js";
import { verdictSentence } from "./sentence.js";
import { costLine, throughputLine } from "./text.js";

const TONES: Readonly<Record<VerdictKind, string>> = {
  "input-bound": "stall",
  "compute-bound": "compute",
  "copy-bound": "copy",
  balanced: "other",
  undecided: "other",
};

function inPercent(fraction: number | undefined): string {
  return fraction === undefined ? "" : `${(fraction * 100).toFixed(2)} %`;
}

/** What is on top: the verdict, and what the caller said about the run. */
export function headerSection(report: Report): SafeHtml {
  const { kind } = report.verdict;
  const sentence = verdictSentence(report).slice(kind.length + 2);
  const facts = report.facts
    .filter(({ name }) => name !== HISTORY_FACT)
    .map(({ name, value }) => markup`<span>${name} <b>${value}</b></span>`);
  return markup`<header><p class="brand">millrace ${report.kind}</p>
<h1><span class="badge tone-${TONES[kind]}">${kind}</span> ${sentence}</h1>
<p class="soft">${throughputLine(report)}</p>
<div class="facts">${facts}</div></header>`;
}

function tile(value: string, text: string): SafeHtml {
  return markup`<div class="tile"><b>${value}</b><span>${text}</span></div>`;
}

/** The figures that a reader looks for first. */
export function tilesSection(report: Report): SafeHtml {
  const { throughput, budget } = report;
  const rate =
    throughput.samplesPerSec === undefined
      ? tile(digits(throughput.stepsPerSec), "steps per second")
      : tile(rateText(throughput.samplesPerSec), "samples per second");
  const last = report.kind === "train" ? report.epochs.at(-1) : undefined;
  const accuracy = last?.validation?.accuracy ?? last?.accuracy;
  const of = last?.validation === undefined ? "training accuracy" : "validation accuracy";
  return markup`<div class="tiles">${rate}
${accuracy === undefined ? undefined : tile(inPercent(accuracy), of)}
${tile(inMs(budget.wall.p50Ms), "median step")}
${tile(percent(budget.stall.fraction), "of step time is stall")}
${tile(`${report.headspace.toFixed(2)}x`, "headspace: gain of an infinitely fast loader")}
${report.kind === "profile" ? bestTile(report.whatIf ?? []) : undefined}</div>`;
}

/** The best change that needs nothing new. */
function bestTile(rows: readonly WhatIfRow[]): SafeHtml | undefined {
  const best = rows.find(({ needs }) => needs === "option");
  return best === undefined ? undefined : tile(`${(1 + best.gain).toFixed(2)}x`, `predicted for ${best.name}`);
}

/** From left to right: what a step is for, then what takes time from it. */
const BAR_ORDER = ["compute", "copy", "prep", "fetch", "stall", "other"];

/** Where the time went: one bar of all parts, and a table. */
export function budgetSection(report: Report): SafeHtml {
  const rows = budgetRows(report.budget);
  const divided = rows.some((row) => row.level === 1);
  const bar = rows
    .filter((row) => row.name !== "step" && !(divided && row.name === "stall") && row.summary.fraction > 0)
    .toSorted((a, b) => BAR_ORDER.indexOf(a.name) - BAR_ORDER.indexOf(b.name))
    .map(({ name, summary }) => {
      const width = (summary.fraction * 1000).toFixed(3);
      return markup`<i class="tone-${name}" style="flex:${width}" title="${name} ${percent(summary.fraction)}"></i>`;
    });
  return card(
    "Where the time went",
    markup`<div class="stack">${bar}</div>
<table class="budget"><thead><tr><th>part</th><th class="bar"></th><th>share</th><th>sum</th>
<th>p50</th><th class="p">p95</th><th class="p">p99</th></tr></thead>
<tbody>${rows.map(budgetRow)}</tbody></table>`,
  );
}

function budgetRow({ name, level, summary }: BudgetRow): SafeHtml {
  const isSum = name === "step";
  const className = isSum ? "sum" : level === 1 ? "sub" : "";
  const width = (Math.min(1, summary.fraction) * 100).toFixed(2);
  const dot = isSum ? undefined : markup`<span class="dot tone-${name}"></span>`;
  const meter = isSum
    ? undefined
    : markup`<span class="meter"><i class="tone-${name}" style="width:${width}%"></i></span>`;
  return markup`<tr class="${className}"><th>${dot}${name}</th><td class="bar">${meter}</td>
<td>${percent(summary.fraction)}</td><td>${(summary.sumMs / 1000).toFixed(2)} s</td><td>${inMs(summary.p50Ms)}</td>
<td class="p">${inMs(summary.p95Ms)}</td><td class="p">${inMs(summary.p99Ms)}</td></tr>`;
}

/** The place of the step timeline, which the script draws. */
export function timelineSection(report: Report): SafeHtml {
  const [worst] = report.budget.stragglers;
  const note = worst === undefined ? "" : ` The slowest step, ${worst.step}, took ${inMs(worst.wallMs)}.`;
  return card(
    "Step by step",
    markup`<div id="timeline" class="chart" role="img" aria-label="Parts of each step in ms"><noscript>The timeline needs JavaScript.</noscript></div>
<p class="soft small">Drag to zoom, double-click for all.${note}</p>`,
  );
}

/** Epochs of a training run. */
export function epochsSection(report: TrainReport): SafeHtml {
  const rows = report.epochs.map(
    ({ epoch, steps, loss, accuracy, validation, samplesPerSec }) => markup`<tr>
<td>${epoch + 1}</td><td>${steps}</td><td>${loss.toFixed(4)}</td><td>${inPercent(accuracy)}</td>
<td>${validation?.loss.toFixed(4)}</td><td>${inPercent(validation?.accuracy)}</td><td>${digits(samplesPerSec)}</td></tr>`,
  );
  return card(
    "Epochs",
    markup`<div class="wide"><table><thead><tr><th>epoch</th><th>steps</th><th>loss</th><th>accuracy</th>
<th>validation loss</th><th>validation accuracy</th><th>samples/s</th></tr></thead><tbody>${rows}</tbody></table></div>`,
  );
}

/** What to change. */
export function adviceSection(report: Report): SafeHtml | undefined {
  const advice = report.advice.map(({ text, gain, isPredicted }) => {
    const label = isPredicted === true ? "predicted" : "up to";
    const badge = gain === undefined ? undefined : markup` <span class="gain">${label} ${gain.toFixed(2)}x</span>`;
    return markup`<li>${text}${badge}</li>`;
  });
  return advice.length === 0 ? undefined : card("What to change", markup`<ol>${advice}</ol>`);
}

/** What limits the figures, and what the measuring cost. */
export function closingSection(report: Report): SafeHtml {
  const warnings = report.warnings.map(({ text }) => markup`<li>${text}</li>`);
  return markup`${warnings.length > 0 ? card("Keep in mind", markup`<ul class="soft">${warnings}</ul>`) : undefined}
<footer>${costLine(report)}</footer>`;
}
