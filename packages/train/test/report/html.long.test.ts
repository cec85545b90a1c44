import { changeModel, predict, type Change } from "@millrace/loader";
import { profile, reportToHtml } from "@millrace/train";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noBrowser, openPage, startBrowser, type View } from "./browser.js";
import { SAMPLE_MODEL, sampleFullReport, sampleReport, sampleTrainReport } from "./sample-report.js";

const LIGHT: View = { colorScheme: "light", width: 1280 };
const DARK: View = { colorScheme: "dark", width: 1280 };
const NARROW: View = { colorScheme: "light", width: 400 };

/** What the page must show for a change. */
function expected(change: Change): { readonly rate: string; readonly gain: string; readonly bound: string } {
  const { samplesPerSec, bound } = predict(changeModel(SAMPLE_MODEL, change));
  return {
    rate: samplesPerSec.toLocaleString("en-US", { maximumFractionDigits: 0 }),
    gain: `${(samplesPerSec / predict(SAMPLE_MODEL).samplesPerSec).toFixed(2)}x`,
    bound: `${bound}-bound`,
  };
}

/** What the page shows. */
async function shown(page: Page): Promise<Record<string, string>> {
  const text = async (id: string): Promise<string> => page.locator(`#${id}`).innerText();
  return { rate: await text("predicted"), gain: await text("gain"), bound: await text("bound") };
}

/** The bytes of the picture in a chart, to tell one from another. */
async function picture(page: Page, id: string): Promise<string> {
  return page.locator(`#${id} canvas`).evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
}

describe.skipIf(noBrowser)("the page in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  it("opens from a file without a message on the console, an error or a request, in any colours and width", async () => {
    const reports = [await sampleFullReport(), await sampleReport(), await sampleTrainReport()];
    for (const view of [LIGHT, DARK, NARROW]) {
      for (const report of reports) {
        await using opened = await openPage(browser, reportToHtml(report), view);
        expect(await opened.page.locator("h1").innerText()).toContain("39 % of step time is stall");
        expect(await opened.page.locator("#timeline canvas").count()).toBe(1);
        const overflow = await opened.page.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect(overflow).toBeLessThanOrEqual(0);
        expect(opened.incidents).toEqual([]);
      }
    }
  });

  it("opens in the same way if the run failed before a step was measured", async () => {
    const report = await profile({ loader: [], step: () => undefined, onFailure: "report" });
    await using opened = await openPage(browser, reportToHtml(report), LIGHT);
    expect(await opened.page.locator("h1").innerText()).toContain("the run failed in the warm-up");
    expect(opened.incidents).toEqual([]);
  });

  it("predicts by the sliders, moved by keys, what the library predicts", async () => {
    await using opened = await openPage(browser, reportToHtml(await sampleFullReport()), LIGHT);
    const { page, incidents } = opened;
    expect(await shown(page)).toEqual(expected({}));
    const before = await picture(page, "scaling");
    await page.getByLabel("workers", { exact: true }).focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("#value-numWorkers").innerText()).toBe("2");
    expect(await shown(page)).toEqual(expected({ numWorkers: 2 }));
    await page.getByLabel("device speed").focus();
    await page.keyboard.press("End");
    expect(await page.locator("#value-deviceFactor").innerText()).toBe("8x");
    expect(await shown(page)).toEqual(expected({ numWorkers: 2, deviceFactor: 8 }));
    await page.getByLabel("image side").focus();
    await page.keyboard.press("Home");
    const side = { bytesFactor: 1 / 16, prepFactor: 1 / 16, modelFactor: 1 / 16 };
    expect(await shown(page)).toEqual(expected({ numWorkers: 2, deviceFactor: 8, ...side }));
    await expect.poll(() => picture(page, "scaling")).not.toBe(before);
    await page.getByRole("button", { name: "As the run was" }).click();
    expect(await shown(page)).toEqual(expected({}));
    await expect.poll(() => picture(page, "scaling")).toBe(before);
    expect(incidents).toEqual([]);
  });

  it("moves the batches ahead with the workers of a run that had none, until the reader chooses a depth", async () => {
    const model = { ...SAMPLE_MODEL, numWorkers: 0, prefetchDepth: 0, fetchLatencyMs: 0, scaling: [] };
    const report = await sampleFullReport();
    await using opened = await openPage(browser, reportToHtml({ ...report, model, whatIf: [] }), LIGHT);
    const { page, incidents } = opened;
    const rate = (change: Change): string =>
      predict(changeModel(model, change)).samplesPerSec.toLocaleString("en-US", { maximumFractionDigits: 0 });
    const workersAndDepth = async (): Promise<string> =>
      `${await page.locator("#value-numWorkers").innerText()} ${await page.locator("#value-prefetchDepth").innerText()}`;
    const press = async (label: string, ...keys: readonly string[]): Promise<string> => {
      await page.getByLabel(label, { exact: true }).focus();
      for (const key of keys) await page.keyboard.press(key);
      return `${await workersAndDepth()}: ${await page.locator("#predicted").innerText()}`;
    };
    expect(await press("workers")).toBe(`0 0: ${rate({})}`);
    expect(await press("workers", "ArrowRight", "ArrowRight")).toBe(
      `2 4: ${rate({ numWorkers: 2, prefetchDepth: 4 })}`,
    );
    expect(rate({ numWorkers: 2, prefetchDepth: 4 })).not.toBe(rate({ numWorkers: 2 }));
    expect(await press("workers", "Home")).toBe(`0 0: ${rate({})}`);
    expect(await press("workers", "End")).toMatch(/^8 8: /u);
    expect(await press("batches ahead", "ArrowLeft")).toMatch(/^8 7: /u);
    expect(await press("workers", "ArrowLeft")).toMatch(/^7 7: /u);
    expect(await press("batches ahead", "Home")).toMatch(/^7 8: /u);
    await page.getByRole("button", { name: "As the run was" }).click();
    expect(await workersAndDepth()).toBe("0 0");
    const plot = page.locator("#scaling .u-over");
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    if (box === null) throw new Error("the chart has no box");
    await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
    expect(await page.locator("#scaling .u-legend").innerText()).toMatch(
      new RegExp(`model of the run:?\\s*${rate({ numWorkers: 8, prefetchDepth: 8 })}\\s*with`, "u"),
    );
    expect(incidents).toEqual([]);
  });

  it("tries each change of its table at a click, and shows the figures of the row", async () => {
    const report = await sampleFullReport();
    await using opened = await openPage(browser, reportToHtml(report), LIGHT);
    const { page, incidents } = opened;
    expect(report.whatIf.length).toBeGreaterThan(2);
    for (const { name, change, gain, bound } of report.whatIf) {
      await page.getByRole("button", { name: `Try ${name}` }).click();
      expect(await shown(page)).toEqual(expected(change));
      expect(await shown(page)).toMatchObject({ gain: `${(1 + gain).toFixed(2)}x`, bound: `${bound}-bound` });
    }
    expect(incidents).toEqual([]);
  });

  it("zooms into the steps that are dragged over, and shows all again at a double click", async () => {
    await using opened = await openPage(browser, reportToHtml(await sampleReport()), LIGHT);
    const { page, incidents } = opened;
    const plot = page.locator("#timeline .u-over");
    await plot.scrollIntoViewIfNeeded();
    const all = await picture(page, "timeline");
    const box = await plot.boundingBox();
    if (box === null) throw new Error("the timeline has no box");
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.2, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, middle, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => picture(page, "timeline")).not.toBe(all);
    expect(await page.locator("#timeline .u-legend").innerText()).toMatch(/compute:?\s*59\.00 ms/u);
    await plot.dblclick();
    await expect.poll(() => picture(page, "timeline")).toBe(all);
    expect(incidents).toEqual([]);
  });

  it("draws its charts anew in the colours of the other scheme", async () => {
    await using opened = await openPage(browser, reportToHtml(await sampleFullReport()), LIGHT);
    const { page, incidents } = opened;
    const background = async (): Promise<unknown> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = [await background(), await picture(page, "timeline"), await picture(page, "scaling")];
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(() => picture(page, "timeline")).not.toBe(light[1]);
    await expect.poll(() => picture(page, "scaling")).not.toBe(light[2]);
    expect(await background()).not.toBe(light[0]);
    const dark = await picture(page, "timeline");
    await page.emulateMedia({ colorScheme: "dark", media: "print" });
    expect(await background()).toBe("rgb(255, 255, 255)");
    await expect.poll(() => picture(page, "timeline")).not.toBe(dark);
    expect((await page.locator("#timeline canvas").boundingBox())?.width).toBeLessThan(700);
    expect(incidents).toEqual([]);
  });

  it("runs no script that a name from data would bring", async () => {
    const evil = `</script><script>console.log("ran")</script><img src="x" onerror="console.log('ran')">`;
    const report = await sampleFullReport([{ name: evil, value: evil }]);
    const whatIf = report.whatIf.map((row) => ({ ...row, name: evil }));
    await using opened = await openPage(browser, reportToHtml({ ...report, whatIf }), LIGHT);
    await opened.page.locator("button.try").first().click();
    expect(opened.incidents).toEqual([]);
  });

  it("gives a screenshot of the whole page", async () => {
    await using opened = await openPage(browser, reportToHtml(await sampleFullReport()), LIGHT);
    const image = await opened.page.screenshot({ fullPage: true, type: "png" });
    expect(image.subarray(1, 4).toString("latin1")).toBe("PNG");
    expect(image.readUInt32BE(16)).toBe(1280);
    expect(image.readUInt32BE(20)).toBeGreaterThan(2000);
  });
});
