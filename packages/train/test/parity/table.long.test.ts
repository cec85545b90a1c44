import { beforeAll, describe, expect, it } from "vitest";
import { tensorflowSkip } from "../backends/on-backend.js";
import { cases } from "./cases.js";
import { GRADIENT_TOLERANCE, problemOf } from "./comparison.js";
import { compute, type Outcome } from "./compute.js";
import { readGradients } from "./fixture.js";

const PAGE = new URL("../../../../docs/backends-parity.md", import.meta.url).pathname;
const BACKENDS = ["wasm", "tensorflow"] as const;

/** What a failing case says, in a cell. */
function cell(problem: string | undefined): string {
  if (problem === undefined) return "same";
  if (problem.includes("dilation rates")) return "refused: TensorFlow.js has no gradient of dilated convolutions";
  if (problem.includes("'valid' and 'same'")) return "refused: padding in numbers; pad with `tf.pad`, then `valid`";
  return problem;
}

/**
 * The generator of the table:
 *
 *     MILLRACE_TIER=long npx vitest run packages/train/test/parity/table.long.test.ts -u
 */
describe.skipIf(tensorflowSkip)("docs/backends-parity.md", () => {
  const outcomes = new Map<string, ReadonlyMap<string, Outcome>>();
  beforeAll(async () => {
    for (const name of BACKENDS) outcomes.set(name, await compute(name));
  });

  it("says of every case what every backend makes of it", async () => {
    const expected = readGradients();
    const rows = [...cases.keys()].map((title) => [
      title,
      ...BACKENDS.map((name) => cell(problemOf(outcomes.get(name)?.get(title), expected.get(title)))),
    ]);
    const header = ["case", ...BACKENDS];
    const widths = header.map((name, column) =>
      Math.max(...[header, ...rows].map((row) => (row[column] ?? name).length)),
    );
    const line = (row: readonly string[], fill = " ") =>
      `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`;
    const divider = line(
      header.map(() => ""),
      "-",
    );
    const table = [line(header), divider, ...rows.map((row) => line(row))].join("\n");
    const same = rows.filter(([, ...found]) => found.every((text) => text === "same")).length;
    await expect(`${introduction(rows.length, same)}\n\n${table}\n`).toMatchFileSnapshot(PAGE);
  });
});

function introduction(all: number, same: number): string {
  return `# Parity of the backends

What the backends compute, against \`cpu\`, the plain JavaScript of TensorFlow.js: results and gradients of all that a
training step of a convolutional network is made of. "Same" means that no element differs by more than
${GRADIENT_TOLERANCE} of the largest one. Of ${all} cases, ${same} are the same on \`wasm\` and on \`tensorflow\`; the others are refused with
an error, none is silently wrong. The page is written by
\`packages/train/test/parity/table.long.test.ts\`, and the tests hold it up to date.

Four nets (plain, batch norm, depthwise, residual) are trained by \`train\` on every backend: the loss of each of the first
20 steps is that of \`cpu\` to 1e-4, of 200 steps to 5e-3, and so is that of an evaluation behind them. The trajectories
of \`cpu\` are committed.

The stock backends of TensorFlow.js 4.22 do less. millrace corrects, while one of its backends is open:

- \`wasm\` has no gradient of \`conv2d\` by its filter, of depthwise convolutions, and of \`gather\`; it brings them.
- \`wasm\` drops the gradient of every max pooling window whose maximum is negative.
- \`wasm\` and \`cpu\` divide the gradient of average pooling by the size of the window where it reaches into the padding;
  the pooling itself, and \`tensorflow\`, divide by the pixels that it holds.`;
}
