import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { jsonForScript, markup, trusted } from "./escape.js";
import { causesSection } from "./html-causes.js";
import { CONTROL_STYLE } from "./html-control-style.js";
import { appliedSection, phasesSection } from "./html-phases.js";
import { arithmeticScript, PAGE_SCRIPT } from "./html-script.js";
import {
  adviceSection,
  budgetSection,
  closingSection,
  epochsSection,
  headerSection,
  tilesSection,
  timelineSection,
} from "./html-sections.js";
import { STYLE } from "./html-style.js";
import { timelineData } from "./html-timeline.js";
import { scalingSection, whatIfData, whatIfSection } from "./html-what-if.js";
import type { Report } from "./report.js";

/** The licence of what is inlined asks for this line. */
const UPLOT_NOTICE = "uPlot 1.6.32, https://github.com/leeoniya/uPlot, (c) Leon Sorokin, MIT License";

/**
 * A report as one static HTML page. It is complete in itself: a policy in its head forbids every request, and every
 * script that is not its own. Light or dark as the reader's system is. Text from outside is escaped. The sliders of a
 * report with a model predict by the compiled text of `predict` of `@millrace/loader`.
 */
export function reportToHtml(report: Report): string {
  const profiled = report.kind === "profile" ? report : undefined;
  const data = { timeline: timelineData(report), whatIf: profiled === undefined ? undefined : whatIfData(profiled) };
  const charts = `/*! ${UPLOT_NOTICE} */\n${library("uPlot.iife.min.js")}`;
  const scripts = profiled?.model === undefined ? [charts, PAGE_SCRIPT] : [charts, arithmeticScript(), PAGE_SCRIPT];
  const texts = scripts.map(contained);
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy(texts))}">
<title>millrace ${report.kind}: ${report.verdict.kind}</title>
<style>${trusted(contained(library("uPlot.min.css") + STYLE + CONTROL_STYLE))}</style></head>
<body><main>
${headerSection(report)}
${tilesSection(report)}
${budgetSection(report)}
${profiled === undefined ? undefined : phasesSection(profiled)}
${adviceSection(report)}
${profiled === undefined ? undefined : appliedSection(profiled)}
${profiled === undefined ? undefined : whatIfSection(profiled)}
${profiled === undefined ? undefined : scalingSection(profiled)}
${timelineSection(report)}
${causesSection(report)}
${report.kind === "train" ? epochsSection(report) : undefined}
${closingSection(report)}
</main>
<script type="application/json" id="data">${jsonForScript(data)}</script>
${texts.map((text) => markup`<script>${trusted(text)}</script>\n`)}</body></html>
`.text;
}

/** Nothing may be requested from anywhere, and no script may run but those whose hashes it names. */
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`).join(" ");
  return `default-src 'none'; style-src 'unsafe-inline'; script-src ${hashes}; img-src data:; base-uri 'none'; form-action 'none'`;
}

/** Own text that cannot end the element it stands in. */
function contained(text: string): string {
  return text.replaceAll(/<\/(?=script|style)/giu, String.raw`<\/`);
}

/** A file of uPlot. */
function library(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), "utf8");
}
