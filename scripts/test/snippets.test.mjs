import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { ROOT } from "../run-tool.mjs";
import { commandProblem, millraceArguments } from "../snippets/command-check.mjs";

/**
 * The exit code and the text of a check of one page.
 *
 * @param {readonly string[]} lines
 */
function checkPage(lines) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const page = join(folder, "page.md");
  writeFileSync(page, lines.join("\n"));
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "snippets.mjs"), page], {
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

it("a snippet that does not compile is named with its file and line, and nothing of its page is run", () => {
  const { status, text } = checkPage([
    "```ts",
    'const size: number = "256";',
    "```",
    "```js run",
    "process.exit(7);",
    "```",
  ]);
  expect(text).toMatch(/page\.md:2: error TS2322: Type 'string' is not assignable to type 'number'/);
  expect(text).not.toContain("exit code 7");
  expect(status).toBe(1);
});

it("a snippet may import the packages of the workspace, and one that runs finds photos to work on", () => {
  const { status, text } = checkPage([
    "```ts run",
    'import { readdirSync } from "node:fs";',
    'import { isMillraceError } from "@millrace/formats";',
    'if (isMillraceError(0) || readdirSync("photos").join() !== "cat,dog") throw new Error("wrong");',
    "```",
  ]);
  expect(text).toContain("1 files, 1 programs compiled, 1 programs and commands run");
  expect(status).toBe(0);
});

it("a snippet that runs and fails is named with its exit code and its output", () => {
  const { status, text } = checkPage(["", "```js run", 'console.log("half-way");', "process.exit(7);", "```"]);
  expect(text).toMatch(/page\.md:2: exit code 7\nhalf-way/);
  expect(status).toBe(1);
});

it("npm scripts and files for node that do not exist are found", () => {
  const { status, text } = checkPage(["```sh", "npm run demo", "npm run demos", "node scripts/none.mjs", "```"]);
  expect(text).toMatch(/page\.md:3: package\.json has no script demos; it has demo, test/);
  expect(text).toMatch(/page\.md:4: there is no file scripts\/none\.mjs/);
  expect(status).toBe(1);
});

it("a command or a flag that millrace does not have is found", () => {
  const { status, text } = checkPage([
    "```sh",
    "npx millrace convert photos/ shards/ --format hdf5 --size=224 && npx millrace --help",
    "npx millrace convrt photos/ shards/",
    "npx millrace convert photos/ shards/ --sise 224",
    "```",
  ]);
  expect(text).not.toContain("page.md:2");
  expect(text).toMatch(/page\.md:3: millrace has no command convrt; it has convert, /);
  expect(text).toMatch(/page\.md:4: millrace convert has no --sise; it has .*--size/);
  expect(status).toBe(1);
});

it("a call of millrace is known by npx or by its name", () => {
  expect(millraceArguments(["npx", "--yes", "millrace", "verify", "shards/"])).toEqual(["verify", "shards/"]);
  expect(millraceArguments(["millrace", "--help"])).toEqual(["--help"]);
  expect(millraceArguments(["npx", "pnpm", "millrace"])).toBeUndefined();
  expect(commandProblem(["ls", "--unknown"])).toBeUndefined();
});
