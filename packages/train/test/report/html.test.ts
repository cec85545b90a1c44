import {
  changeModel,
  defaultPrefetchDepth,
  predict,
  rankChanges,
  type Change,
  type PipelineModel,
} from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import { reportToHtml } from "@millrace/train";
import * as fc from "fast-check";
import { createHash } from "node:crypto";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { SAMPLE_MODEL, sampleFullReport, sampleReport, sampleTrainReport } from "./sample-report.js";

const EVIL = `</script><script>alert(1)</script><img src=x onerror='alert("2")'>&amp;\u2028`;
const runs = { seed: SEED, numRuns: count(300, 5000) };

function tags(text: string, tag: RegExp): number {
  return text.match(tag)?.length ?? 0;
}

function scriptsOf(page: string): string[] {
  return [...page.matchAll(/<script>(?<text>[^]*?)<\/script>/gu)].map((found) => found.groups?.["text"] ?? "");
}

function dataOf(page: string): unknown {
  return JSON.parse(/id="data">(?<json>.*)<\/script>/u.exec(page)?.groups?.["json"] ?? "null");
}

/** The arithmetic that stands in the page, run without anything of this process. */
interface PageArithmetic {
  predict(model: PipelineModel): ReturnType<typeof predict>;
  changeModel(model: PipelineModel, change: Change): PipelineModel;
  settingsChange(settings: Readonly<Record<string, number>>): Change;
  workersChange(model: PipelineModel, numWorkers: number): Change;
  rateText(value: number): string;
}

async function pageArithmetic(): Promise<PageArithmetic> {
  const script = scriptsOf(reportToHtml(await sampleFullReport())).find((text) => text.includes("const millrace"));
  return runInNewContext(`${script}; millrace`) as PageArithmetic;
}

const cost = (max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max, noNaN: true }));
const factor = fc.constantFrom(0.25, 0.5, 1, 2, 4);

const models: fc.Arbitrary<PipelineModel> = fc.record({
  batchSize: fc.integer({ min: 1, max: 256 }),
  numWorkers: fc.integer({ min: 0, max: 32 }),
  prefetchDepth: fc.integer({ min: 0, max: 8 }),
  cores: fc.integer({ min: 1, max: 32 }),
  prepCpuMs: cost(100),
  fetchLatencyMs: cost(100),
  storageBytesPerSec: fc.option(fc.double({ min: 1, max: 1e10, noNaN: true }), { nil: undefined }),
  bytesPerSample: cost(1e7),
  cacheFraction: fc.double({ min: 0, max: 1, noNaN: true }),
  computeMs: cost(1000),
  computeCpuMs: cost(1000),
  scaling: fc.array(
    fc.record({
      numWorkers: fc.integer({ min: 1, max: 9 }),
      samplesPerSec: fc.double({ min: 1, max: 5000, noNaN: true }),
    }),
    { maxLength: 3 },
  ),
  batchBytes: fc.integer({ min: 1, max: 1e9 }),
});

const settings = fc.record({
  numWorkers: fc.integer({ min: 0, max: 64 }),
  prefetchDepth: fc.integer({ min: 0, max: 8 }),
  cores: fc.integer({ min: 1, max: 64 }),
  cacheFraction: fc.double({ min: 0, max: 1, noNaN: true }),
  storageFactor: factor,
  batchSize: fc.integer({ min: 1, max: 512 }),
  sideFactor: factor,
  deviceFactor: factor,
  modelFactor: factor,
  bytesFactor: factor,
  prepFactor: factor,
});

describe("reportToHtml", () => {
  it("is one page that asks for nothing from anywhere and runs no script but its own", async () => {
    const page = reportToHtml(await sampleFullReport());
    expect(page).toMatch(/^<!doctype html>/u);
    const policy = /Content-Security-Policy" content="(?<policy>[^"]*)"/u.exec(page)?.groups?.["policy"] ?? "";
    const hashes = scriptsOf(page).map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    expect(hashes).toHaveLength(3);
    expect(policy).toBe(
      `default-src 'none'; style-src 'unsafe-inline'; script-src ${hashes.join(" ")}; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(page).not.toMatch(/<link|<iframe|\ssrc=|@import|url\(|fetch\(|\son[a-z]+=/u);
  });

  it("says the verdict, the parts and the advice", async () => {
    const page = reportToHtml(await sampleReport());
    expect(page).toContain(`<span class="badge tone-stall">input-bound</span> 39 % of step time is stall`);
    for (const part of ["stall", "fetch", "prep", "copy", "compute", "other"])
      expect(page).toContain(`<span class="dot tone-${part}"></span>${part}`);
    expect(page).toContain("Decode and transform hold up 30 % of step time");
  });

  it("shows phases, causes, changes that were made and earlier runs only where they are known", async () => {
    const titles = ["Measured one by one", "Beside the budget", "What if", "Scaling over workers", "Changed, and"];
    const full = reportToHtml(await sampleFullReport([{ name: "before", value: "yesterday, 1 worker" }]));
    for (const title of titles) expect(full).toContain(`<h2>${title}`);
    expect(full).toContain("<li>yesterday, 1 worker</li>");
    expect(full).toContain(
      "27 % slower than its lowest limit, the loader at 880 samples/s (interference). That confirms the verdict.",
    );
    const { budget, ...report } = await sampleReport();
    const plain = reportToHtml({ ...report, budget: { ...budget, stragglers: [] } });
    for (const title of titles) expect(plain).not.toContain(`<h2>${title}`);
    expect(plain).not.toContain("const millrace");
  });

  it("has a label, a text and an output for every slider, which begin where the run was", async () => {
    const page = reportToHtml(await sampleFullReport());
    const inputs = [...page.matchAll(/<input type="range" id="(?<id>[^"]*)"[^>]*aria-valuetext="(?<text>[^"]*)"/gu)];
    expect(inputs.length).toBe(9);
    for (const { groups } of inputs) {
      expect(page).toContain(`<label for="${groups?.["id"]}">`);
      expect(page).toContain(`for="${groups?.["id"]}">${groups?.["text"]}</output>`);
    }
    expect(inputs.map(({ groups }) => groups?.["text"])).toEqual(
      expect.arrayContaining(["1", "2", "4", "25 %", "100 MB/s", "64", "1x"]),
    );
  });

  it("gives the sliders a stop for every change that it proposes", async () => {
    const { whatIf } = dataOf(reportToHtml(await sampleFullReport())) as {
      readonly whatIf: {
        readonly sliders: readonly { readonly key: string; readonly values: readonly number[] }[];
        readonly storings: readonly Readonly<Record<string, number>>[];
        readonly rows: readonly { readonly change: Readonly<Record<string, number>> }[];
      };
    };
    expect(whatIf.rows.length).toBeGreaterThan(2);
    for (const { change } of whatIf.rows) {
      for (const [key, value] of Object.entries(change)) {
        const slider = whatIf.sliders.find((found) => found.key === key);
        const stops = slider?.values ?? whatIf.storings.map((storing) => storing[key]);
        expect(stops).toContain(value);
      }
    }
  });

  it("predicts in the page exactly what the library predicts, for any model and any sliders", async () => {
    const page = await pageArithmetic();
    fc.assert(
      fc.property(models, settings, (model, chosen) => {
        const change = page.settingsChange(chosen);
        expect({ ...page.predict(page.changeModel(model, change)) }).toEqual(predict(changeModel(model, change)));
      }),
      runs,
    );
  });

  it("changes nothing while the sliders stand where the run was", async () => {
    const page = await pageArithmetic();
    const factors = { storageFactor: 1, sideFactor: 1, deviceFactor: 1, modelFactor: 1, bytesFactor: 1, prepFactor: 1 };
    const { numWorkers, prefetchDepth, cores, cacheFraction, batchSize } = SAMPLE_MODEL;
    const change = page.settingsChange({ numWorkers, prefetchDepth, cores, cacheFraction, batchSize, ...factors });
    expect(predict(changeModel(SAMPLE_MODEL, change))).toEqual(predict(SAMPLE_MODEL));
  });

  it("says at the slider for the batch that other sizes were not measured, where that is so", async () => {
    const report = await sampleFullReport();
    const note = "A step counts as proportional to its batch: other sizes were not measured.";
    const page = reportToHtml(report);
    expect(page).toMatch(/id="slide-batchSize"[^>]*aria-describedby="note-batchSize"/u);
    expect(page.split(`id="note-batchSize">${note}</p>`)).toHaveLength(2);
    expect(page).not.toContain("note-numWorkers");
    const known = reportToHtml({ ...report, model: { ...report.model, computeFixedMs: 5 } });
    expect(known).not.toContain("note-batchSize");
  });

  it("changes the number of workers as the library proposes it, with a depth where there was none", async () => {
    const page = await pageArithmetic();
    for (const prefetchDepth of [0, 3]) {
      const model = { ...SAMPLE_MODEL, numWorkers: 0, prefetchDepth, fetchLatencyMs: 0, scaling: [] };
      const change = rankChanges(model).find(({ name }) => name.startsWith("workers: "))?.change;
      expect({ ...page.workersChange(model, change?.numWorkers ?? 0) }).toEqual(change);
    }
    const without = { ...SAMPLE_MODEL, numWorkers: 0, prefetchDepth: 0 };
    for (const workers of [1, 2, 3, 4, 9])
      expect(page.workersChange(without, workers).prefetchDepth).toBe(defaultPrefetchDepth(workers));
    expect([0, 1, 2, 9].map((workers) => page.workersChange(without, workers).prefetchDepth)).toEqual([
      undefined,
      2,
      4,
      8,
    ]);
  });

  it("offers no depth of 0, which no loader with workers has", async () => {
    const { whatIf } = dataOf(reportToHtml(await sampleFullReport())) as {
      readonly whatIf: { readonly sliders: readonly { readonly key: string; readonly values: readonly number[] }[] };
    };
    expect(whatIf.sliders.find(({ key }) => key === "prefetchDepth")?.values[0]).toBe(1);
  });

  it("shows rates of any size, and that nothing limits one", async () => {
    const page = await pageArithmetic();
    expect([12345.6, 56.78, 0.1234, 0, Infinity].map((rate) => page.rateText(rate))).toEqual([
      "12,346",
      "56.8",
      "0.123",
      "0",
      "no limit",
    ]);
  });

  it("shows the epochs of a training run", async () => {
    const page = reportToHtml(await sampleTrainReport());
    expect(page).toContain("<td>98.10 %</td>");
    expect(page).toContain("validation accuracy");
  });

  it("escapes text from data, so that it ends neither an element nor an attribute nor a script", async () => {
    const fact = [{ name: "a", value: "b" }];
    const clean = reportToHtml(await sampleFullReport(fact));
    const report = await sampleFullReport([{ name: EVIL, value: EVIL }]);
    const { phases, whatIf, applied } = report;
    const page = reportToHtml({
      ...report,
      warnings: [{ code: EVIL, text: EVIL }],
      advice: report.advice.map((advice) => ({ ...advice, text: EVIL })),
      verdict: { ...report.verdict, reason: EVIL },
      phases: { ...phases, residency: EVIL, phases: phases.phases.map((phase) => ({ ...phase, note: EVIL })) },
      whatIf: whatIf.map((row) => ({ ...row, name: EVIL })),
      applied: applied.map((entry) => ({ ...entry, name: EVIL })),
    });
    for (const tag of [/<script/giu, /<\/script/giu, /<img/giu]) expect(tags(page, tag)).toBe(tags(clean, tag));
    expect(page).toContain(
      "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(&quot;2&quot;)&#39;&gt;&amp;amp;",
    );
  });

  it("follows the colour scheme of the reader's system", async () => {
    expect(reportToHtml(await sampleReport())).toContain("@media screen and (prefers-color-scheme: dark)");
  });
});
