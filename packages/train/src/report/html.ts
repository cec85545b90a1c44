import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { jsonForScript, markup, trusted, type SafeHtml } from "./escape.js";
import {
  adviceSection,
  budgetSection,
  epochsSection,
  headerSection,
  tilesSection,
  timelineSection,
} from "./html-sections.js";
import { STYLE } from "./html-style.js";
import { TIMELINE_SCRIPT, timelineData } from "./html-timeline.js";
import type { Report } from "./report.js";

/** The licence of what is inlined asks for this line. */
const UPLOT_NOTICE = "uPlot 1.6.32, https://github.com/leeoniya/uPlot, (c) Leon Sorokin, MIT License";
/** Nothing may be requested from anywhere. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/**
 * A report as one static HTML page. It is complete in itself: a policy in its head forbids every request. Light or
 * dark as the reader's system is. Text from outside is escaped.
 */
export function reportToHtml(report: Report): string {
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<title>millrace ${report.kind}: ${report.verdict.kind}</title>
<style>${library("uPlot.min.css")}${trusted(STYLE)}</style></head>
<body><main>
${headerSection(report)}
${tilesSection(report)}
${budgetSection(report)}
${timelineSection(report)}
${report.kind === "train" ? epochsSection(report) : undefined}
${adviceSection(report)}
</main>
<script type="application/json" id="data">${jsonForScript(timelineData(report))}</script>
<script>/*! ${trusted(UPLOT_NOTICE)} */
${library("uPlot.iife.min.js")}</script>
<script>${trusted(TIMELINE_SCRIPT)}</script>
</body></html>
`.text;
}

/** A file of uPlot, which cannot end the element it stands in. */
function library(name: string): SafeHtml {
  const path = createRequire(import.meta.url).resolve(`uplot/dist/${name}`);
  return trusted(readFileSync(path, "utf8").replaceAll(/<\/(?=script|style)/giu, String.raw`<\/`));
}
