import { describe, expect, it } from "vitest";
import { compute, NO_REFERENCE } from "./compute.js";
import { fixturePath, gradientsText, trajectoriesText, type Trajectory } from "./fixture.js";
import { nets } from "./nets.js";
import { trajectory } from "./trajectory.js";

/**
 * The generator of the fixtures. After a change of the cases or the nets:
 *
 *     MILLRACE_TIER=long npx vitest run packages/train/test/parity/reference.long.test.ts -u
 */
describe("the fixtures are what the backend cpu computes:", () => {
  it("gradients.json", async () => {
    const outcomes = await compute("cpu");
    const values = new Map<string, readonly Float32Array[]>();
    const refusals = new Map<string, string>();
    for (const [title, outcome] of outcomes) {
      if (typeof outcome === "string") refusals.set(title, outcome);
      else values.set(title, outcome);
    }
    expect(refusals).toEqual(NO_REFERENCE);
    await expect(gradientsText(values)).toMatchFileSnapshot(fixturePath("gradients"));
  });

  it("trajectories.json, in which every net learns", async () => {
    const trajectories = new Map<string, Trajectory>();
    for (const net of nets.keys()) {
      const [short, long] = [await trajectory("cpu", net, 20), await trajectory("cpu", net, 200)];
      expect(long.losses.slice(0, 20)).toEqual(short.losses);
      expect(long.losses.at(-1)).toBeLessThan((long.losses[0] ?? 0) / 2);
      trajectories.set(net, { losses: long.losses, evaluated: { 20: short.evaluated, 200: long.evaluated } });
    }
    await expect(trajectoriesText(trajectories)).toMatchFileSnapshot(fixturePath("trajectories"));
  });
});
