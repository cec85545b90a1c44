import { formatReport, profile } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { sampleFullReport, sampleReport, sampleTrainReport } from "./sample-report.js";

describe("formatReport", () => {
  it("begins with the verdict in one sentence", async () => {
    const [first] = formatReport(await sampleReport()).split("\n");
    expect(first).toBe(
      "input-bound: 39 % of step time is stall (fetch 9.1 %, prep 30 %); headspace 1.6x; more workers help before faster disks do",
    );
  });

  it("shows the budget as bars, then ranked advice, then the cost of measuring", async () => {
    const text = formatReport(await sampleReport([{ name: "backend", value: "wasm" }]));
    expect(text).toMatchSnapshot();
  });

  it("shows the phases, named causes, what changes would bring, and predicted beside measured", async () => {
    expect(formatReport(await sampleFullReport())).toMatchSnapshot();
  });

  it("says what it does not know of the phases", async () => {
    const { phases, ...report } = await sampleFullReport();
    const { boundSamplesPerSec: _, bound: __, interference: ___, ...rest } = phases;
    const open = { ...rest, boundSamplesPerSec: undefined, bound: undefined, interference: undefined };
    expect(formatReport({ ...report, phases: { ...open, agrees: undefined } })).toContain("A part is missing");
    expect(formatReport({ ...report, phases: { ...phases, agrees: undefined } })).toContain("do not tell");
    expect(formatReport({ ...report, phases: { ...phases, agrees: false } })).toContain("contradicts the verdict");
    expect(formatReport({ ...report, phases: { ...phases, interference: -0.05, bound: undefined } })).toContain(
      "The run is 5.0 % faster than its lowest limit, the input at 880 samples/s. That confirms the verdict.",
    );
  });

  it("says how far predictions may be off where what they come from varied much", async () => {
    const { phases, ...report } = await sampleFullReport();
    expect(formatReport({ ...report, phases })).toContain("What if (predicted)");
    const text = formatReport({ ...report, phases: { ...phases, uncertainty: 0.4 } });
    expect(text).toContain("What if (give or take 40 %)");
    expect(text.split("\n")[0]).toMatch(/would gain [\d.]+x, give or take 40 %$/u);
  });

  it("calls a predicted gain predicted, any other the most there is", async () => {
    const report = await sampleReport();
    const advice = { code: "prep", text: "More.", fraction: 0.3, gain: 1.5 } as const;
    expect(formatReport({ ...report, advice: [advice] })).toContain("1. More. Gain: at most 1.50x.");
    expect(formatReport({ ...report, advice: [{ ...advice, isPredicted: true }] })).toContain("Predicted gain: 1.50x.");
  });

  it("keeps every bar within its room", async () => {
    const bars = formatReport(await sampleReport()).match(/█[█▏▎▍▌▋▊▉]*/gu) ?? [];
    expect(bars.length).toBeGreaterThan(3);
    for (const bar of bars) expect(bar.length).toBeLessThanOrEqual(40);
  });

  it("shows the epochs of a training run", async () => {
    const text = formatReport(await sampleTrainReport());
    expect(text).toContain(
      "epoch 1: loss 0.3100, accuracy 91.00 %, 640 samples/s; validation loss 0.0712, accuracy 98.10 %",
    );
  });

  it("says how many steps a verdict needs", async () => {
    const clock = new HandClock();
    const report = await profile({
      loader: [1],
      step: () => clock.pass(5),
      steps: 6,
      warmupSteps: 0,
      phases: false,
      clock,
    });
    expect(formatReport(report)).toMatch(
      /^undecided: 6 steps were measured, a verdict needs 20; measure 20 steps or more\n/u,
    );
  });

  it("escapes control characters that could forge the terminal's output", async () => {
    const text = formatReport(await sampleReport([{ name: "dataset", value: "a\u001b[2Jb\rc" }]));
    expect(text).toContain(String.raw`dataset: a\x1b[2Jb\x0dc`);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/u);
  });
});
