/** The style of the page: system fonts, one colour a part of the budget, light and dark as the reader has it. */
export const STYLE = `
:root { color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #1b2430; --soft: #5b6878; --line: #dfe4ea; --track: #eef1f4;
  --stall: #d1495b; --fetch: #c73e54; --prep: #ee8f3d; --copy: #8a63d2; --compute: #2a9d77; --other: #9aa5b1; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #12171d; --card: #1a2129; --ink: #e7ecf2; --soft: #9aa7b5; --line: #2b343f; --track: #252e38;
  --stall: #ef6a7b; --fetch: #ef6a7b; --prep: #f2a65a; --copy: #a98be6; --compute: #44bf95; --other: #667382; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 10px 0 6px; font-weight: 650; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 16px; margin: 0 0 14px; font-weight: 650; }
p { margin: 0; } .soft { color: var(--soft); } small, .small { font-size: 13px; }
.brand { font-size: 13px; color: var(--soft); letter-spacing: 0.02em; }
.badge { display: inline-block; padding: 2px 10px; border-radius: 999px; font-size: 13px; font-weight: 600; color: #fff;
  background: var(--tone); }
@media (prefers-color-scheme: dark) { .badge { color: #12171d; } }
.facts { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 10px; font-size: 13px; color: var(--soft); }
.facts b { color: var(--ink); font-weight: 550; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 22px 0 16px; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.tile { padding: 12px 16px; } .tile b { display: block; font-size: 24px; font-weight: 650; line-height: 1.3;
  font-variant-numeric: tabular-nums; } .tile span { font-size: 13px; color: var(--soft); }
.card { padding: 20px 22px; margin-top: 16px; }
.stack { display: flex; height: 34px; border-radius: 8px; overflow: hidden; background: var(--track); gap: 1px; }
.stack i { display: block; background: var(--tone); min-width: 1px; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 0 6px 14px; text-align: right; border-top: 1px solid var(--line); font-weight: 400; white-space: nowrap; }
thead th { border-top: 0; font-size: 13px; color: var(--soft); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.budget { margin-top: 16px; } .budget .bar { width: 34%; text-align: left; }
.meter { display: block; height: 8px; border-radius: 4px; background: var(--track); overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--tone); border-radius: 4px; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 3px; background: var(--tone); margin-right: 9px; }
.sub th:first-child { padding-left: 19px; } .sub th, .sub td { color: var(--soft); border-top: 0; padding-top: 0; }
tr.sum th, tr.sum td { font-weight: 600; }
ol, ul { margin: 0; padding-left: 20px; } li { padding-left: 4px; } li + li { margin-top: 8px; } li::marker { color: var(--soft); }
.gain { white-space: nowrap; font-weight: 600; font-size: 13px; border: 1px solid var(--line); border-radius: 6px; padding: 1px 7px;
  margin-left: 6px; }
#timeline { margin: 0 -6px; min-height: 292px; } .wide { overflow-x: auto; }
.u-legend { font: inherit; font-size: 13px; color: var(--ink); text-align: left; margin-top: 4px; }
.u-legend .u-marker { border-radius: 3px; width: 10px; height: 10px; } .u-legend th, .u-legend td { border: 0; text-align: left; }
.u-legend .u-series > * { padding: 2px 4px; } .u-legend .u-value { min-width: 52px; display: inline-block; }
footer { margin-top: 22px; color: var(--soft); font-size: 13px; }
.tone-stall { --tone: var(--stall); } .tone-fetch { --tone: var(--fetch); } .tone-prep { --tone: var(--prep); }
.tone-copy { --tone: var(--copy); } .tone-compute { --tone: var(--compute); } .tone-other { --tone: var(--other); }
@media (max-width: 640px) { main { padding: 20px 14px; } .budget .bar, .budget .p { display: none; } h1 { font-size: 21px; } }
@media print { body { background: #fff; } .card, .tile { break-inside: avoid; } }
`;
