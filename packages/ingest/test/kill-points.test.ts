import { expect, it } from "vitest";
import { createKillCase, surviveKill } from "./kill-points.js";

it("a conversion killed at some of its calls that make, move and remove files ends, run again, with the same bytes", async () => {
  const killCase = await createKillCase("hdf5", false);
  expect(killCase.calls).toBeGreaterThan(30);
  for (const part of [0.4, 0.9]) await surviveKill(killCase, Math.round(killCase.calls * part));
});
