import { skipReason, tempDir } from "@millrace/testkit";
import { existsSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The browser that the machine has: `MILLRACE_CHROMIUM`, or else the first of its names on the path. */
function findChromium(): string | undefined {
  const said = process.env["MILLRACE_CHROMIUM"] ?? "";
  if (said !== "") return existsSync(said) ? said : undefined;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

const path = findChromium();

/** Why tests with a browser must be skipped, or `undefined`. */
export const noBrowser: string | undefined = skipReason(
  path !== undefined,
  "Chromium",
  "apt-get install chromium, or set MILLRACE_CHROMIUM to its path",
);

/** Starts the browser, without a window. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: path ?? "", args: ["--no-sandbox", "--disable-gpu"], timeout: 60_000 });
}

/** How a page is looked at. */
export interface View {
  readonly colorScheme: "light" | "dark";
  readonly width: number;
}

/** A page that is open, and what went wrong on it. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Messages of the console, errors of scripts, and requests for anything but the page itself. */
  readonly incidents: readonly string[];
}

/** Writes a page to a file and opens it from there. */
export async function openPage(browser: Browser, html: string, { colorScheme, width }: View): Promise<OpenPage> {
  const file = join(tempDir(), "report.html");
  const url = pathToFileURL(file).href;
  writeFileSync(file, html);
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  const incidents: string[] = [];
  page.on("console", (message) => incidents.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => incidents.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== url) incidents.push(`request: ${request.url()}`);
  });
  await page.goto(url, { waitUntil: "load", timeout: 30_000 });
  return {
    page,
    incidents,
    [Symbol.asyncDispose]: async () => context.close(),
  };
}
