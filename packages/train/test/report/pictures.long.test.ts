import { parseReport, reportToHtml } from "@millrace/train";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { noBrowser, openPage, startBrowser } from "./browser.js";

/** Of the docs: a report that was measured, and pictures of its page. */
const FOLDER = new URL("../../../../docs/images/", import.meta.url);
const WIDTH = 1040;

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

/** The page of the docs' report from its top to the end of the scaling chart. */
async function takePicture(colorScheme: "light" | "dark"): Promise<Buffer> {
  await using browser = await startBrowser();
  const report = parseReport(readFileSync(fileOf("profile-report.json"), "utf8"), "profile-report.json");
  await using opened = await openPage(browser, reportToHtml(report), { colorScheme, width: WIDTH });
  const { page, incidents } = opened;
  const last = await page.locator("section", { has: page.locator("#scaling") }).boundingBox();
  const height = Math.ceil((last?.y ?? 0) + (last?.height ?? 0) + 16);
  const image = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: WIDTH, height } });
  expect(incidents).toEqual([]);
  return sharp(image).png({ palette: true, colours: 128, effort: 10 }).toBuffer();
}

describe.skipIf(noBrowser)("the pictures of the docs", () => {
  it.each(["light", "dark"] as const)(
    "show the page as it is, %s; MILLRACE_PICTURES=write makes them anew",
    async (scheme) => {
      const file = fileOf(`profile-${scheme}.png`);
      const picture = await takePicture(scheme);
      if (process.env["MILLRACE_PICTURES"] === "write") writeFileSync(file, picture);
      expect(statSync(file).size).toBeLessThan(300_000);
      const [now, kept] = [await sharp(picture).metadata(), await sharp(file).metadata()];
      // Fonts differ from machine to machine, so the height is only about the same.
      expect(kept.width).toBe(now.width);
      expect(Math.abs((kept.height ?? 0) / (now.height ?? 1) - 1)).toBeLessThan(0.1);
    },
  );
});
