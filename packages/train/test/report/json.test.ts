import { isMillraceError } from "@millrace/formats";
import { rankChanges } from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import { parseReport, profile, reportToJson } from "@millrace/train";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HandClock } from "../hand-clock.js";
import { sampleFullReport, sampleReport, sampleTrainReport } from "./sample-report.js";

function failure(text: string): string {
  try {
    parseReport(text, "report.json");
  } catch (error) {
    if (isMillraceError(error, "STATE")) return error.message;
    throw error;
  }
  return expect.fail("was accepted");
}

describe("the report as JSON", () => {
  it("comes back as it was, of both kinds, with all that a profile can add", async () => {
    const plain = await sampleReport([{ name: "dataset", value: "__proto__" }]);
    for (const report of [plain, await sampleFullReport(), await sampleTrainReport()])
      expect(parseReport(reportToJson(report))).toEqual(JSON.parse(JSON.stringify(report)));
  });

  it("comes back whatever the stalls, which are divided without a negative part", async () => {
    const ms = fc.double({ min: 0, max: 100, noNaN: true });
    const stalls = fc.array(fc.record({ stallMs: ms, fetchStallMs: ms, prepStallMs: ms }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(stalls, async (list) => {
        const clock = new HandClock();
        const batches = list.map((stall) => ({ size: 1, stall }));
        const loader = (function* () {
          for (const batch of batches) {
            clock.pass(batch.stall.stallMs);
            yield batch;
          }
        })();
        const step = (): void => clock.pass(1);
        const report = await profile({ loader, step, steps: list.length, warmupSteps: 0, phases: false, clock });
        expect(parseReport(reportToJson(report))).toEqual(JSON.parse(JSON.stringify(report)));
      }),
      { seed: SEED, numRuns: count(100, 1000) },
    );
  });

  it("has times in ms and fractions, by the names of the types", async () => {
    const data: unknown = JSON.parse(reportToJson(await sampleReport()));
    expect(data).toMatchObject({
      reportVersion: 1,
      kind: "profile",
      verdict: { kind: "input-bound", cause: "prep" },
      budget: { steps: 100, stall: { fraction: expect.closeTo(38.4 / 99.4, 9) as number } },
      steps: expect.arrayContaining([expect.objectContaining({ wallMs: 96, fetchStallMs: 9 })]) as unknown[],
    });
  });

  it("accepts names that it does not know, of a newer program", async () => {
    const text = JSON.stringify({ ...(await sampleReport()), gcPauses: 3 });
    expect(parseReport(text)).not.toHaveProperty("gcPauses");
  });

  it("refuses more workers and CPUs than a page could have a point for", async () => {
    const { model, whatIf, ...report } = await sampleFullReport();
    const [row] = whatIf;
    const text = (changed: object, change?: object): string =>
      JSON.stringify({ ...report, model: { ...model, ...changed }, whatIf: [{ ...row, ...change }] });
    expect(failure(text({ cores: 1e9 }))).toContain("model.cores");
    expect(failure(text({ numWorkers: 1e9 }))).toContain("model.numWorkers");
    const scaling = [{ numWorkers: 4097, samplesPerSec: 1 }];
    expect(failure(text({ scaling }))).toContain("model.scaling.0.numWorkers");
    expect(failure(text({}, { change: { numWorkers: 1e9 } }))).toContain("whatIf.0.change.numWorkers");
    expect(failure(text({}, { change: { cores: 1e9 } }))).toContain("whatIf.0.change.cores");
    expect(failure(text({ numWorkers: 1.5 }))).toContain("model.numWorkers");
  });

  it("accepts what is proposed for the largest machine that it describes", async () => {
    const { model, whatIf: _, ...report } = await sampleFullReport();
    const input = { batchSize: 65_536, fetchLatencyMs: 1000, storageBytesPerSec: undefined, scaling: [] };
    const large = { ...model, ...input, cores: 4096, numWorkers: 4096, computeMs: 0, computeCpuMs: 0 };
    const whatIf = rankChanges(large).map(({ prediction: { samplesPerSec, bound }, ...row }) => ({
      ...row,
      samplesPerSec,
      bound,
    }));
    expect(Math.max(...whatIf.map(({ change }) => change.numWorkers ?? 0))).toBeGreaterThan(20_000);
    expect(() => parseReport(reportToJson({ ...report, model: large, whatIf }))).not.toThrow();
  });

  it("refuses what is no report, naming the first thing that is wrong", async () => {
    expect(failure("{")).toContain("report.json: is not JSON");
    expect(failure("[]")).toContain("is no report");
    const report = await sampleReport();
    expect(failure(JSON.stringify({ ...report, reportVersion: 2 }))).toContain("reportVersion");
    expect(failure(JSON.stringify({ ...report, headspace: "1.6" }))).toContain("headspace");
    expect(failure(JSON.stringify({ ...report, steps: [{ wallMs: -1 }] }))).toContain("steps.0.wallMs");
    expect(failure(JSON.stringify({ ...report, model: { cores: "all" } }))).toContain("model.");
    expect(failure(JSON.stringify({ ...report, phases: { phases: [{ name: "warm" }] } }))).toContain(
      "phases.phases.0.name",
    );
  });
});
