import {
  changeModel,
  predict,
  type Bound,
  type PipelineModel,
  type Prediction,
  type ScalingPoint,
} from "@millrace/loader";
import { rateText } from "./digits.js";
import { markup, type SafeHtml } from "./escape.js";
import { card } from "./html-card.js";
import { NEEDS_TEXT } from "./phase-names.js";
import type { ProfileReport, WhatIfRow } from "./report.js";
import { slidersOf, storingsOf, type Slider, type Storing } from "./what-if-controls.js";

/** What the script of the page needs of the what-if section. */
export interface WhatIfData {
  /** Of the run: calibrated. */
  readonly model: PipelineModel;
  /** The loader alone, as it was measured. */
  readonly measured: readonly ScalingPoint[];
  readonly sliders: readonly Slider[];
  readonly storings: readonly Storing[];
  readonly rows: readonly WhatIfRow[];
  /** Samples per second that the run reached. */
  readonly inRunPerSec: number | undefined;
}

/** The data of the section; `undefined` for a report without a model. */
export function whatIfData(report: ProfileReport): WhatIfData | undefined {
  const { model: measured, calibration = {}, whatIf = [], throughput } = report;
  if (measured === undefined) return undefined;
  const model = changeModel(measured, calibration);
  return {
    model,
    measured: measured.scaling,
    sliders: slidersOf(model, whatIf, measured.computeFixedMs !== undefined),
    storings: storingsOf(whatIf),
    rows: whatIf,
    inRunPerSec: throughput.samplesPerSec,
  };
}

/** What the section is, where the model was fitted to the run and where it was not. */
function leadOf({ calibration = {} }: ProfileReport): string {
  const fitted = Object.keys(calibration).length === 0 ? "" : " and fitted to what the run reached";
  return `A model of this run, made from what was measured one by one${fitted}. Move a slider, or try a row of the table: the page computes the prediction by the function that the library has.`;
}

/** Sliders, what they make of the run, and the changes that help. */
export function whatIfSection(report: ProfileReport): SafeHtml | undefined {
  const data = whatIfData(report);
  if (data === undefined) return undefined;
  return card(
    "What if",
    markup`<p class="lead">${leadOf(report)}</p>
${answer(predict(data.model))}
<div class="controls" id="controls">
${group("Loader", data.sliders, "prep")}
${group("Data", data.sliders, "fetch", storing(data.storings))}
${group("Step", data.sliders, "compute")}
<p class="buttons"><button type="button" id="reset">As the run was</button></p>
</div>
${table(data.rows)}
<p class="soft small">An image side counts for bytes, preparation and step in proportion to the pixels. What varies from sample to sample is left out.</p>`,
    "what-if",
  );
}

/** The answer as it is before anything is moved; the script keeps it up to date. */
function answer({ samplesPerSec, bound, fetchPerSec, prepPerSec, computePerSec }: Prediction): SafeHtml {
  return markup`<div class="answer"><div class="headline">
<p><output class="big" id="predicted" aria-live="polite">${rateText(samplesPerSec)}</output> <span class="soft">samples/s predicted</span></p>
<p><output class="badge tone-${bound}" id="bound">${bound}-bound</output>
<output class="gain" id="gain">1.00x</output></p></div>
<div class="rates">${rateLine("fetch", "reading", fetchPerSec)}${rateLine("prep", "in memory", prepPerSec)}${rateLine("compute", "step", computePerSec)}</div></div>`;
}

function rateLine(key: Bound, name: string, value: number): SafeHtml {
  return markup`<div class="rate tone-${key}"><span>${name}</span><span class="meter"><i id="bar-${key}"></i></span>
<output id="rate-${key}">${rateText(value)}</output></div>`;
}

function group(legend: string, sliders: readonly Slider[], tone: Slider["tone"], more?: SafeHtml): SafeHtml {
  const inputs = sliders.filter((slider) => slider.tone === tone).map(control);
  return markup`<fieldset class="tone-${tone}"><legend>${legend}</legend>${inputs}${more}</fieldset>`;
}

function control({ key, label, values, texts, start, note }: Slider): SafeHtml {
  const describedBy = note === undefined ? undefined : markup` aria-describedby="note-${key}"`;
  return markup`<div class="slider"><label for="slide-${key}">${label}</label><output id="value-${key}" for="slide-${key}">${texts[start]}</output>
<input type="range" id="slide-${key}" min="0" max="${values.length - 1}" step="1" value="${start}" aria-valuetext="${texts[start]}"${describedBy}>
${note === undefined ? undefined : markup`<p class="soft small" id="note-${key}">${note}</p>`}</div>`;
}

function storing(storings: readonly Storing[]): SafeHtml | undefined {
  if (storings.length === 0) return undefined;
  const options = storings.map(({ name }, index) => markup`<option value="${index}">${name}</option>`);
  return markup`<div class="slider"><label for="storing">stored</label><select id="storing">${options}</select></div>`;
}

function table(rows: readonly WhatIfRow[]): SafeHtml | undefined {
  if (rows.length === 0) return undefined;
  const lines = rows.map(
    ({ name, samplesPerSec, gain, bound, needs }, index) => markup`<tr><th scope="row">${name}</th>
<td>${rateText(samplesPerSec)}</td><td>${(1 + gain).toFixed(2)}x</td>
<td class="p"><span class="dot tone-${bound}"></span>${bound}</td><td class="p soft left">${NEEDS_TEXT[needs]}</td>
<td><button type="button" class="try" data-row="${index}" aria-label="Try ${name}">Try</button></td></tr>`,
  );
  return markup`<div class="wide"><table class="what-if"><thead><tr><th>change</th><th>samples/s</th><th>gain</th><th class="p">then limited by</th>
<th class="p left">needs</th><th></th></tr></thead><tbody>${lines}</tbody></table></div>`;
}

/** The scaling chart, which the script draws. */
export function scalingSection({ model }: ProfileReport): SafeHtml | undefined {
  if (model === undefined) return undefined;
  return card(
    "Scaling over workers",
    markup`<p class="lead">Samples per second by number of workers: the loader alone as it was measured, the run as it was, and what the model
predicts, as the run is and with the sliders above.</p>
<div id="scaling" class="chart" role="img" aria-label="Throughput by number of workers"></div>`,
  );
}
