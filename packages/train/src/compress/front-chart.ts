import { markup, type SafeHtml } from "../report/escape.js";
import { settingText } from "./candidate-grid.js";
import type { CompressReport } from "./compress-report.js";
import { isChosen } from "./compress-text.js";
import { bytesText, pointsText } from "./size-text.js";

const WIDTH = 960;
const HEIGHT = 300;
const MARGIN = { left: 64, right: 24, top: 16, bottom: 44 };

interface Point {
  readonly x: number;
  readonly y: number;
  readonly className: string;
  readonly title: string;
  readonly isChosen: boolean;
  readonly isOnFront: boolean;
}

/** Accuracy over the bytes of the packed file, on a logarithmic axis, as an SVG without scripts. */
export function frontChart(report: CompressReport): SafeHtml | undefined {
  const { before, candidates, chosen, maxAccuracyDrop } = report;
  const shown = candidates.flatMap(({ setting, outcome, model, isOnFront }) =>
    model === undefined ? [] : [{ setting, outcome, model, isOnFront }],
  );
  if (shown.length === 0) return undefined;
  const limit = before.accuracy.value - maxAccuracyDrop;
  const accuracies = [before.accuracy.value, limit, ...shown.map(({ model }) => model.accuracy.value)];
  const sizes = [before.bytes.packed, ...shown.map(({ model }) => model.bytes.packed)];
  const x = scale(Math.log2(Math.min(...sizes)), Math.log2(Math.max(...sizes)), MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(Math.min(...accuracies), Math.max(...accuracies), HEIGHT - MARGIN.bottom, MARGIN.top);
  const points = shown.map(({ setting, outcome, model, isOnFront }): Point => {
    const size = `${bytesText(model.bytes.packed)}, ${pointsText(model.accuracy.value)} %`;
    return {
      x: x(Math.log2(model.bytes.packed)),
      y: y(model.accuracy.value),
      className: outcome,
      title: `${settingText(setting)}: ${size}`,
      isChosen: isChosen(setting, chosen),
      isOnFront,
    };
  });
  const first = { x: x(Math.log2(before.bytes.packed)), y: y(before.accuracy.value) };
  return markup`<svg class="front" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Accuracy over packed bytes">
<line class="axis" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${HEIGHT - MARGIN.bottom}" y2="${HEIGHT - MARGIN.bottom}"/>
${sizeTicks(sizes, x)}${accuracyTicks(accuracies, y)}
<line class="limit" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${fixed(y(limit))}" y2="${fixed(y(limit))}"><title>loss that is allowed</title></line>
<polyline class="front-line" points="${frontLine(points)}"/>
<circle class="before" cx="${fixed(first.x)}" cy="${fixed(first.y)}" r="5"><title>before, packed as it is</title></circle>
${points.map(dot)}</svg>`;
}

function dot({ x, y, className, title, isChosen: isRinged }: Point): SafeHtml {
  const ring = isRinged ? markup`<circle class="chosen" cx="${fixed(x)}" cy="${fixed(y)}" r="9"/>` : undefined;
  return markup`<circle class="${className}" cx="${fixed(x)}" cy="${fixed(y)}" r="5"><title>${title}</title></circle>${ring}`;
}

function frontLine(points: readonly Point[]): string {
  return points
    .filter(({ isOnFront }) => isOnFront)
    .toSorted((a, b) => a.x - b.x)
    .map(({ x, y }) => `${fixed(x)},${fixed(y)}`)
    .join(" ");
}

/** One for each power of two, or each second or third where there are many. */
function sizeTicks(sizes: readonly number[], x: (power: number) => number): SafeHtml[] {
  const low = Math.ceil(Math.log2(Math.min(...sizes)));
  const high = Math.floor(Math.log2(Math.max(...sizes)));
  const stride = Math.max(1, Math.ceil((high - low + 1) / 8));
  const powers = Array.from({ length: Math.max(0, high - low + 1) }, (_, at) => low + at);
  return powers
    .filter((_, at) => at % stride === 0)
    .map((power) => {
      const at = fixed(x(power));
      return markup`<text x="${at}" y="${HEIGHT - 22}" text-anchor="middle">${bytesText(2 ** power)}</text>`;
    });
}

function accuracyTicks(accuracies: readonly number[], y: (value: number) => number): SafeHtml[] {
  const [low, high] = [Math.min(...accuracies), Math.max(...accuracies)];
  const values = high > low ? [low, (low + high) / 2, high] : [high];
  return values.map(
    (value) =>
      markup`<text x="${MARGIN.left - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${pointsText(value)} %</text>`,
  );
}

/** A straight map of a range; of a range of one value its middle. */
function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  if (high === low) return () => (from + to) / 2;
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

function fixed(value: number): string {
  return value.toFixed(1);
}
