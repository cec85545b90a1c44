import { count } from "@millrace/testkit";
import { describe, expect, it } from "vitest";
import { tensorflowSkip } from "../backends/on-backend.js";
import { lossError } from "./comparison.js";
import { readTrajectories } from "./fixture.js";
import { nets } from "./nets.js";
import { trajectory } from "./trajectory.js";

const steps = count(20, 200) as 20 | 200;
/** Of the loss, at every step. Differences of rounding grow with the steps. */
const tolerance = steps === 20 ? 1e-4 : 5e-3;
const expected = readTrajectories();

describe.each([
  ["wasm", undefined],
  ["tensorflow", tensorflowSkip],
] as const)(`${steps} steps on %s have the losses of cpu, and the model is the same behind them:`, (name, skip) => {
  it.skipIf(skip).each([...nets.keys()])("%s", async (net) => {
    const reference = expected.get(net);
    const { losses, evaluated } = await trajectory(name, net, steps);
    expect(lossError(losses, reference?.losses.slice(0, steps) ?? [])).toBeLessThan(tolerance);
    expect(lossError([evaluated], [reference?.evaluated[steps] ?? 0])).toBeLessThan(tolerance);
  });
});
