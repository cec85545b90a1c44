import { reportToHtml } from "@millrace/train";
import { describe, expect, it } from "vitest";
import { sampleReport, sampleTrainReport } from "./sample-report.js";

const EVIL = `</script><script>alert(1)</script><img src=x onerror='alert("2")'>&amp;\u2028`;

function tags(text: string, tag: RegExp): number {
  return text.match(tag)?.length ?? 0;
}

describe("reportToHtml", () => {
  it("is one page that asks for nothing from anywhere", async () => {
    const page = reportToHtml(await sampleReport());
    expect(page).toMatch(/^<!doctype html>/u);
    expect(page).toContain(
      `content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"`,
    );
    expect(page).not.toMatch(/<link|<iframe|\ssrc=|@import|url\(|fetch\(/u);
  });

  it("says the verdict, the parts and the advice", async () => {
    const page = reportToHtml(await sampleReport());
    expect(page).toContain(`<span class="badge tone-stall">input-bound</span> 39 % of step time is stall`);
    for (const part of ["stall", "fetch", "prep", "copy", "compute", "other"])
      expect(page).toContain(`<span class="dot tone-${part}"></span>${part}`);
    expect(page).toContain("Decode and transform hold up 30 % of step time");
  });

  it("shows the epochs of a training run", async () => {
    const page = reportToHtml(await sampleTrainReport());
    expect(page).toContain("<td>98.10 %</td>");
    expect(page).toContain("validation accuracy");
  });

  it("escapes text from data, so that it ends neither an element nor an attribute nor a script", async () => {
    const clean = reportToHtml(await sampleReport([{ name: "a", value: "b" }]));
    const report = await sampleReport([{ name: EVIL, value: EVIL }]);
    const page = reportToHtml({
      ...report,
      warnings: [{ code: EVIL, text: EVIL }],
      advice: report.advice.map((advice) => ({ ...advice, text: EVIL })),
      verdict: { ...report.verdict, reason: EVIL },
    });
    for (const tag of [/<script/giu, /<\/script/giu, /<img/giu]) expect(tags(page, tag)).toBe(tags(clean, tag));
    expect(page).toContain(
      "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(&quot;2&quot;)&#39;&gt;&amp;amp;",
    );
  });

  it("follows the colour scheme of the reader's system", async () => {
    expect(reportToHtml(await sampleReport())).toContain("@media (prefers-color-scheme: dark)");
  });
});
