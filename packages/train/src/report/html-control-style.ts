/** The style of the phases and of the what-if section: bars against a line, sliders that a keyboard moves, the answer. */
export const CONTROL_STYLE = `
.phase { --tone: var(--soft); display: grid; grid-template: "name track value" auto "note note note" auto / 290px 1fr 140px; column-gap: 20px; align-items: center; }
.phase .name { grid-area: name; } .phase .track { grid-area: track; } .phase .value { grid-area: value; } .phase .note { grid-area: note; }
.phase.tone-compute { --tone: var(--compute); } .phase.tone-prep { --tone: var(--prep); } .phase.tone-fetch { --tone: var(--fetch); }
.phase.tone-stall { --tone: var(--stall); } .phase.run { --tone: var(--ink); } .phase.run .name, .phase.run .value { font-weight: 600; }
.phase .track { position: relative; height: 12px; } .phase .track::before { content: ""; position: absolute; inset: 0;
  background: var(--track); border-radius: 6px; }
.phase .track i { position: absolute; inset: 0 auto 0 0; background: var(--tone); border-radius: 6px; }
.phase .track i.cut { border-radius: 6px 0 0 6px;
  mask-image: linear-gradient(90deg, #000 82%, transparent); -webkit-mask-image: linear-gradient(90deg, #000 82%, transparent); }
.phase .mark { position: absolute; top: -5px; bottom: -5px; width: 2px; margin-left: -1px; background: var(--ink); opacity: 0.55; }
.phase .value { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.phase .note { font-size: 13px; color: var(--soft); margin: 2px 0 14px; }
.answer { display: grid; grid-template-columns: minmax(220px, 2fr) 3fr; gap: 12px 32px; align-items: center; padding: 14px 0 16px;
  background: var(--card); border-bottom: 1px solid var(--line); }
.headline p + p { margin-top: 6px; }
.big { font-size: 34px; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.rate { display: grid; grid-template-columns: 9em 1fr 6em; gap: 12px; align-items: center; font-size: 13px; color: var(--soft); line-height: 24px; }
.rate output { text-align: right; font-variant-numeric: tabular-nums; } .rate.limit, .rate.limit output { color: var(--ink); font-weight: 600; }
.rate .meter i { width: 0; }
.controls { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px 32px; margin-top: 20px; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; } legend { padding: 0; margin-bottom: 8px; font-size: 13px; font-weight: 600;
  color: color-mix(in srgb, var(--tone) 72%, var(--ink)); }
.slider { display: grid; grid-template-columns: 1fr auto; align-items: baseline; margin-bottom: 10px; }
.slider p { grid-column: 1 / -1; margin-top: 2px; } .slider output { font-weight: 600; font-variant-numeric: tabular-nums; }
.slider input, .slider select { grid-column: 1 / -1; width: 100%; margin: 0; font: inherit; }
.slider select { margin-top: 4px; padding: 5px 8px; border: 1px solid var(--line); border-radius: 8px; color: var(--ink); background: var(--card); }
input[type="range"] { appearance: none; -webkit-appearance: none; height: 24px; background: transparent; cursor: pointer; }
input[type="range"]::-webkit-slider-runnable-track { height: 6px; border-radius: 3px;
  background: linear-gradient(90deg, var(--tone) var(--at, 0%), var(--track) var(--at, 0%)); }
input[type="range"]::-moz-range-track { height: 6px; border-radius: 3px; background: var(--track); }
input[type="range"]::-moz-range-progress { height: 6px; border-radius: 3px; background: var(--tone); }
input[type="range"]::-webkit-slider-thumb { -webkit-appearance: none; width: 18px; height: 18px; margin-top: -6px; border-radius: 50%;
  background: var(--card); border: 2px solid var(--tone); }
input[type="range"]::-moz-range-thumb { width: 14px; height: 14px; border-radius: 50%; background: var(--card); border: 2px solid var(--tone); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
button { font: inherit; font-size: 13px; line-height: 20px; padding: 3px 12px; border-radius: 8px; border: 1px solid var(--line); color: var(--ink);
  background: var(--card); cursor: pointer; } button:hover { background: var(--track); }
.buttons { grid-column: 1 / -1; } table.what-if { margin-top: 20px; } table.what-if th:first-child { white-space: normal; } td .try { margin: -3px 0; }
@media screen and (min-width: 641px) and (min-height: 700px) { .answer { position: sticky; top: 0; z-index: 1; } }
@media (max-width: 860px) { .controls { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 640px) { .phase { grid-template: "name value" auto "track track" auto "note note" auto / 1fr max-content; }
  .phase .track { margin-top: 6px; } .phase .note { margin-top: 6px; } 
  .answer, .controls { grid-template-columns: minmax(0, 1fr); } .rate { grid-template-columns: 8.5em 1fr 5em; } }
@media print { button { display: none; } .controls { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
`;
