import { isMillraceError } from "@millrace/formats";
import { parseReport, reportToJson } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { sampleReport, sampleTrainReport } from "./sample-report.js";

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
  it("comes back as it was, of both kinds", async () => {
    for (const report of [await sampleReport([{ name: "dataset", value: "__proto__" }]), await sampleTrainReport()])
      expect(parseReport(reportToJson(report))).toEqual(JSON.parse(JSON.stringify(report)));
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

  it("refuses what is no report, naming the first thing that is wrong", async () => {
    expect(failure("{")).toContain("report.json: is not JSON");
    expect(failure("[]")).toContain("is no report");
    const report = await sampleReport();
    expect(failure(JSON.stringify({ ...report, reportVersion: 2 }))).toContain("reportVersion");
    expect(failure(JSON.stringify({ ...report, headspace: "1.6" }))).toContain("headspace");
    expect(failure(JSON.stringify({ ...report, steps: [{ wallMs: -1 }] }))).toContain("steps.0.wallMs");
  });
});
