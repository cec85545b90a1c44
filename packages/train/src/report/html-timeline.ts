import type { Report } from "./report.js";

/** One layer of the stack: its name, the custom property of its colour, and a value in ms for each step. */
interface Layer {
  readonly name: string;
  readonly tone: string;
  readonly ms: readonly number[];
}

/** What the script of the page draws. */
export interface TimelineData {
  /** Number of the first step shown. */
  readonly first: number;
  /** From the bottom of the stack up. */
  readonly layers: readonly Layer[];
  /** The height of the chart; steps above it are cut. */
  readonly topMs: number;
}

/** Microseconds are enough for a picture. */
function rounded(ms: number | undefined): number {
  return Math.round((ms ?? 0) * 1000) / 1000;
}

/** The layers of the step timeline: compute at the bottom, what takes time from it above. */
export function timelineData(report: Report): TimelineData {
  const { steps, budget } = report;
  const layer = (name: string, tone: string, of: (step: Report["steps"][number]) => number | undefined): Layer => ({
    name,
    tone,
    ms: steps.map((step) => rounded(of(step))),
  });
  const divided = budget.fetchStall !== undefined;
  const stall = divided
    ? [
        layer("prep stall", "prep", (step) => step.prepStallMs),
        layer("fetch stall", "fetch", (step) => step.fetchStallMs),
      ]
    : [layer("stall", "stall", (step) => step.stallMs)];
  const longestMs = Math.max(...steps.map((step) => step.wallMs), 0.001);
  return {
    first: budget.steps - steps.length,
    layers: [
      layer("compute", "compute", (step) => step.computeMs),
      layer("copy", "copy", (step) => step.copyMs),
      ...stall,
      layer("other", "other", (step) => step.otherMs),
    ],
    topMs: rounded(Math.min(longestMs * 1.05, Math.max(budget.wall.p95Ms * 2, budget.wall.p50Ms * 3))),
  };
}

/**
 * The part of the page's script that draws the timeline. It draws sums from the highest to the lowest, so that each
 * opaque layer covers what lies under it. A bar is at least a pixel wide, so that no slow step gets lost.
 */
export const TIMELINE_SCRIPT = `
  {
    const { first, layers, topMs } = data.timeline;
    const steps = layers[0].ms.map((_, i) => first + i);
    const sums = layers.map((_, l) => steps.map((_, i) => layers.slice(0, l + 1).reduce((sum, x) => sum + x.ms[i], 0)));
    const order = layers.map((_, l) => l).reverse();
    mount(document.getElementById("timeline"), (colour, axis, width) => {
      const paths = uPlot.paths.bars({ size: [steps.length > 200 ? 1 : 0.86, 40, 1], align: 0 });
      const drawn = order.map((l) => ({
        label: layers[l].name, paths, points: { show: false }, width: 0,
        stroke: colour(layers[l].tone), fill: colour(layers[l].tone),
        value: (u, v, s, i) => (i == null ? "–" : layers[l].ms[i].toFixed(2) + " ms"),
      }));
      const options = {
        width, height: 260, padding: [10, 12, 0, 0],
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false } },
        scales: { x: { time: false, range: (u, min, max) => [min - 0.5, max + 0.5] }, y: { range: () => [0, topMs] } },
        axes: [axis, { ...axis, size: 64, values: (u, ticks) => ticks.map((t) => t + " ms") }],
        series: [{ label: "step", value: (u, v) => (v == null ? "–" : String(v)) }, ...drawn],
      };
      return [options, [steps, ...order.map((l) => sums[l])]];
    });
  }
`;
