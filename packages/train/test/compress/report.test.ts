import {
  compressReportJsonSchema,
  compressReportToHtml,
  compressReportToJson,
  formatCompressReport,
  lossInterval,
  parseCompressReport,
  wilsonInterval,
} from "@millrace/train/compress";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMillraceError } from "@millrace/formats";
import { sampleReport } from "./sample-report.js";

describe("the interval of a share", () => {
  it("is Wilson's, of the examples in Newcombe's papers", () => {
    const found = wilsonInterval(81, 263);
    expect([found.low, found.high].map((bound) => bound.toFixed(4))).toEqual(["0.2553", "0.3662"]);
    expect(wilsonInterval(0, 10)).toEqual({ low: 0, high: expect.closeTo(0.2775, 4) as number });
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it("of a loss is Newcombe's method 10", () => {
    const before = { value: 56 / 70, interval: wilsonInterval(56, 70) };
    const after = { value: 48 / 80, interval: wilsonInterval(48, 80) };
    const { low, high } = lossInterval(before, after);
    expect([low.toFixed(4), high.toFixed(4)]).toEqual(["0.0524", "0.3339"]);
  });

  it("holds the share that was seen, within 0 and 1, and is narrower for more trials", () => {
    const counts = fc
      .integer({ min: 1, max: 100_000 })
      .chain((trials) => fc.tuple(fc.nat(trials), fc.constant(trials)));
    fc.assert(
      fc.property(counts, ([successes, trials]) => {
        const { low, high } = wilsonInterval(successes, trials);
        const share = successes / trials;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(share).toBeGreaterThanOrEqual(low - 1e-12);
        expect(share).toBeLessThanOrEqual(high + 1e-12);
        const more = wilsonInterval(10 * successes, 10 * trials);
        expect(more.high - more.low).toBeLessThan(high - low);
      }),
    );
  });
});

describe("a report of compression", () => {
  it("says as text what came of it, before beside after, and every setting", () => {
    const text = formatCompressReport(sampleReport());
    expect(text).toMatch(/^45x smaller: 392\.6 KiB -> 8\.8 KiB, accuracy 98\.00 % -> 97\.50 %/u);
    expect(text).toMatch(/weights that are not 0 +100,000 +10,000 +10x fewer/u);
    expect(text).toMatch(/forward of 64, p50 ms +20\.0 +24\.0 +1\.20x slower/u);
    expect(text).toMatch(/1 +0\.9 +5 .* -0\.50 .* chosen/u);
    expect(text).toMatch(/^1 not tried: filters 1, sparsity 0\.9, 4 bits has lost too much already$/mu);
    expect(text).toContain(String.raw`run/<model>\x1b[31m`);
  });

  it("that found nothing names the nearest settings", () => {
    const { candidates, ...rest } = sampleReport();
    const lost = candidates.slice(2);
    const text = formatCompressReport({ ...rest, chosen: undefined, after: undefined, candidates: lost });
    expect(text).toMatch(/^not met: .*nearest: filters 1, sparsity 0\.9, 4 bits loses 2\.00\n/u);
    expect(text).not.toContain("after");
  });

  it("says which loader setting the smaller model needs, and what it got", () => {
    const link = {
      latencyRatio: 0.25,
      setting: { numWorkers: 1, prefetchDepth: 2 },
      beforePerSec: 400,
      boundBefore: "compute" as const,
      afterPerSec: 1000,
      boundAfter: "prep" as const,
      modelPerSec: 1600,
      inputBoundAtPerSec: 1000,
      isInputBoundAfter: true,
      neededSetting: { numWorkers: 2, prefetchDepth: 4 },
      thenPerSec: 1600,
      text: "It needs 2 workers <and more>.",
      measuredPerSec: 950,
    };
    const report = sampleReport({ link });
    expect(formatCompressReport(report)).toMatch(
      /It needs 2 workers .*\n.*predicted 1,000 samples\/s, measured 950 \(-5 %\)/u,
    );
    expect(compressReportToHtml(report)).toContain("It needs 2 workers &lt;and more&gt;.");
    expect(parseCompressReport(compressReportToJson(report)).link).toEqual(link);
  });

  it("comes back from its JSON, which a schema describes", async () => {
    const report = sampleReport();
    expect(parseCompressReport(compressReportToJson(report))).toEqual(report);
    await expect(`${JSON.stringify(compressReportJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      "../../../../docs/compress-report.schema.json",
    );
  });

  it("of another kind or version is refused with what is wrong", () => {
    for (const [text, problem] of [
      ["{", /is not JSON/u],
      [JSON.stringify({ ...sampleReport(), reportVersion: 2 }), /reportVersion.*expected reportVersion 1/u],
      [JSON.stringify({ ...sampleReport(), before: { parameters: -1 } }), /before/u],
    ] as const) {
      expect(() => parseCompressReport(text, "report.json")).toThrow(problem);
      expect(() => parseCompressReport(text)).toThrow(expect.toSatisfy((error) => isMillraceError(error, "STATE")));
    }
  });

  it("as a page asks for nothing, runs nothing, and escapes names from outside", () => {
    const page = compressReportToHtml(sampleReport());
    expect(page).toMatch(/^<!doctype html>/u);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|https?:/u);
    expect(page).toContain("run/&lt;model&gt;");
    expect(page.match(/<circle class="(?:within|lost)"/gu)).toHaveLength(3);
    expect(page).toMatch(/1\.20x slower/u);
    expect(compressReportToHtml(sampleReport({ chosen: undefined, after: undefined }))).toContain("not met");
  });
});
