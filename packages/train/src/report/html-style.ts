/**
 * The style of the page: system fonts, one colour for each part of the budget, spaces in steps of 4 px, light and dark as
 * the reader has it, always light on paper.
 */
export const STYLE = `
:root { color-scheme: light dark;
  --ground: #f5f6f8; --card: #ffffff; --ink: #18212c; --soft: #586676; --line: #e1e5ea; --track: #eceff3; --accent: #2f6fde;
  --stall: #cf4257; --fetch: #2f78c4; --prep: #e2812b; --copy: #8460d0; --compute: #23936d; --other: #8d99a6; }
@media screen and (prefers-color-scheme: dark) { :root {
  --ground: #10151b; --card: #182028; --ink: #e6ebf1; --soft: #98a5b3; --line: #28323d; --track: #232d37; --accent: #7aa8ff;
  --stall: #f0707f; --fetch: #6aa9f0; --prep: #f2a65a; --copy: #ab8fe8; --compute: #45c298; --other: #748290; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 24px 56px; }
h1 { font-size: 26px; line-height: 1.3; margin: 12px 0 8px; font-weight: 650; letter-spacing: -0.012em; text-wrap: balance; }
h2 { font-size: 16px; line-height: 1.3; margin: 0 0 12px; font-weight: 650; letter-spacing: -0.004em; }
h3 { font-size: 13px; margin: 20px 0 8px; font-weight: 600; color: var(--soft); }
p { margin: 0; } .soft { color: var(--soft); } small, .small { font-size: 13px; } small { color: var(--soft); font-weight: 400; }
p.small { margin-top: 12px; } .lead { color: var(--soft); max-width: 72ch; margin: -6px 0 20px; }
.brand { font-size: 13px; color: var(--soft); letter-spacing: 0.02em; }
.badge { display: inline-block; padding: 1px 10px; border-radius: 999px; font-size: 13px; line-height: 22px; font-weight: 600;
  letter-spacing: 0; vertical-align: middle; color: color-mix(in srgb, var(--tone) 72%, var(--ink));
  background: color-mix(in srgb, var(--tone) 15%, transparent); }
.facts { display: flex; flex-wrap: wrap; gap: 4px 20px; margin-top: 12px; font-size: 13px; color: var(--soft); }
.facts b, .keys b { color: var(--ink); font-weight: 550; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 24px 0 12px; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.tile { padding: 12px 16px 14px; } .tile b { display: block; font-size: 24px; font-weight: 650; line-height: 1.35;
  letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.tile span { display: block; font-size: 13px; line-height: 1.4; color: var(--soft); }
.card { padding: 20px 24px 24px; margin-top: 12px; }
.stack { display: flex; height: 32px; border-radius: 8px; overflow: hidden; background: var(--track); gap: 1px; }
.stack i { display: block; background: var(--tone); min-width: 1px; } .stack.slim { height: 12px; border-radius: 6px; }
.keys { display: flex; flex-wrap: wrap; gap: 2px 20px; margin-top: 8px; font-size: 13px; color: var(--soft);
  font-variant-numeric: tabular-nums; } .keys .dot { margin-right: 6px; }
.wide { overflow-x: auto; margin: 0 -4px; padding: 0 4px; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 0 7px 16px; text-align: right; border-top: 1px solid var(--line); font-weight: 400; white-space: nowrap; }
td b { font-weight: 600; } thead th { border-top: 0; padding-top: 0; font-size: 13px; color: var(--soft); }
th:first-child, td:first-child, th.left, td.left { text-align: left; } th:first-child, td:first-child { padding-left: 0; }
.budget { margin-top: 20px; } .budget .bar { width: 34%; text-align: left; }
.meter { display: block; height: 8px; border-radius: 4px; background: var(--track); overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--tone); border-radius: 4px; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 3px; background: var(--tone); margin-right: 9px; }
.sub th:first-child { padding-left: 19px; } .sub th, .sub td { color: var(--soft); border-top: 0; padding-top: 0; }
tr.sum th, tr.sum td { font-weight: 600; }
ol, ul { margin: 0; padding-left: 20px; } li { padding-left: 4px; max-width: 80ch; } li + li { margin-top: 8px; }
li::marker { color: var(--soft); } dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 24px; margin: 20px 0 0; }
dt { color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; }
.gain { display: inline-block; white-space: nowrap; font-weight: 600; font-size: 13px; line-height: 22px; border-radius: 999px; padding: 1px 10px;
  margin-left: 4px; background: var(--track); font-variant-numeric: tabular-nums; }
.chart { margin: 0 -6px; min-height: 292px; }
.u-legend { font: inherit; font-size: 13px; color: var(--ink); text-align: left; margin-top: 4px; }
.u-legend .u-marker { border-radius: 3px; width: 10px; height: 10px; } .u-legend th, .u-legend td { border: 0; text-align: left; }
.u-legend .u-series > * { padding: 2px 4px; } .u-legend .u-value { min-width: 52px; display: inline-block; }
footer { margin-top: 24px; color: var(--soft); font-size: 13px; }
.tone-stall { --tone: var(--stall); } .tone-fetch { --tone: var(--fetch); } .tone-prep { --tone: var(--prep); }
.tone-copy { --tone: var(--copy); } .tone-compute { --tone: var(--compute); } .tone-other { --tone: var(--other); }
.tone-track { --tone: var(--track); }
@media (max-width: 640px) { main { padding: 24px 14px 40px; } .card { padding: 16px 16px 20px; } h1 { font-size: 21px; }
  .budget .bar, .p { display: none; } .tiles { grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 8px; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@media print { * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } body { background: #fff; font-size: 13px; }
  main { max-width: none; padding: 0; } .card, .tile { break-inside: avoid; } .wide { overflow: visible; } }
`;
