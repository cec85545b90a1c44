import { changeModel, predict, workersChange } from "@millrace/loader";
import { rateText } from "./digits.js";
import { SCALING_SCRIPT } from "./html-scaling.js";
import { TIMELINE_SCRIPT } from "./html-timeline.js";
import { WHAT_IF_SCRIPT } from "./html-what-if-script.js";
import { settingsChange } from "./what-if-settings.js";

/**
 * The arithmetic of the page: the compiled text of the very functions that the library has, in a constant `millrace`.
 * None of them has imports or closures.
 */
export function arithmeticScript(): string {
  return `"use strict";
const millrace = {
  predict: ${predict.toString()},
  changeModel: ${changeModel.toString()},
  settingsChange: ${settingsChange.toString()},
  workersChange: ${workersChange.toString()},
  rateText: ${rateText.toString()},
};
`;
}

/** Draws a chart in the colours of the page, and again when the colour scheme or the width changes, or for paper. */
const MOUNT_SCRIPT = `
  const mount = (box, make) => {
    const paper = matchMedia("print");
    let chart;
    let width = 0;
    const draw = () => {
      const css = getComputedStyle(document.documentElement);
      const colour = (name) => css.getPropertyValue("--" + name).trim();
      const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
      if (chart) chart.destroy();
      width = box.clientWidth;
      // A page of paper is about 700 px wide, whatever the window is.
      const [options, values] = make(colour, axis, Math.max(240, paper.matches ? Math.min(width, 640) : width));
      chart = new uPlot(options, values, box);
    };
    draw();
    for (const media of [matchMedia("(prefers-color-scheme: dark)"), paper]) media.addEventListener("change", draw);
    addEventListener("resize", () => { if (box.clientWidth !== width) draw(); });
    return (values) => chart.setData(values);
  };
`;

/** What the page does. It reads the element `data`. */
export const PAGE_SCRIPT: string = `"use strict";
{
  const data = JSON.parse(document.getElementById("data").textContent);
  ${MOUNT_SCRIPT}
  ${TIMELINE_SCRIPT}
  if (data.whatIf) {
    const { predict, changeModel, settingsChange, workersChange, rateText } = millrace;
    const { model, measured, sliders, storings, rows, inRunPerSec } = data.whatIf;
    ${SCALING_SCRIPT}
    ${WHAT_IF_SCRIPT}
  }
}
`;
