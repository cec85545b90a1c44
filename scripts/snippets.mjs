/**
 * `node scripts/snippets.mjs [file.md …]` checks the fenced blocks of the documentation. `ts` and `js` blocks compile
 * against the packages of the workspace; `sh` blocks call commands, flags and scripts that exist. A block marked `run`
 * (`ts run`, `sh run`) is also executed, in an empty folder with `photos/` in it, after the blocks above it in the same
 * file. A `ts continued` block goes on where the one before it ended; `<!-- given: code -->` before a block declares
 * what the reader is expected to have.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { ROOT } from "./run-tool.mjs";
import { commandProblem, MILLRACE, millraceArguments } from "./snippets/command-check.mjs";
import { fences } from "./snippets/fences.mjs";
import { snippetModules } from "./snippets/modules.mjs";
import { makePhotoFolder } from "./snippets/photo-folder.mjs";
import { shellCommands } from "./snippets/shell-lines.mjs";
import { Workbench } from "./snippets/workbench.mjs";

/** @typedef {import("./snippets/fences.mjs").Fence} Fence */
/** @typedef {import("./snippets/workbench.mjs").Problem} Problem */

const RUN_LIMIT_MS = 300_000;

/** The Markdown files that users read. */
function documents() {
  const folders = ["packages", "examples"].filter((folder) => existsSync(join(ROOT, folder)));
  const members = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(folder, name, "README.md")),
  );
  const pages = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  const files = [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    ...pages.map((name) => join("docs", name)),
    ...members,
  ];
  return files.filter((file) => existsSync(join(ROOT, file)));
}

/**
 * @param {string} markdown
 * @param {readonly Fence[]} blocks
 * @returns {readonly Problem[]}
 */
function shellProblems(markdown, blocks) {
  return blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ lines }) => shellCommands(lines))
    .flatMap(({ words, number }) => {
      const text = commandProblem(words);
      return text === undefined ? [] : [{ markdown, line: number, text }];
    });
}

/**
 * The programs to execute for one file, in order: the arguments of node, and where they stand.
 *
 * @param {string} markdown
 * @param {readonly Fence[]} blocks
 * @param {Workbench} workbench
 */
function executions(markdown, blocks, workbench) {
  const programs = snippetModules(markdown, blocks)
    .filter(({ run }) => run)
    .map((module) => ({ line: module.line, args: [workbench.compiled(module)] }));
  const commands = blocks
    .filter(({ language, words }) => language === "sh" && words.has("run"))
    .flatMap(({ lines }) => shellCommands(lines))
    .flatMap(({ words, number }) => {
      const args = millraceArguments(words);
      return args === undefined ? [] : [{ line: number, args: [MILLRACE, ...args] }];
    });
  return [...programs, ...commands].toSorted((a, b) => a.line - b.line);
}

/**
 * Executes what one file marks `run`, up to the first failure.
 *
 * @param {string} markdown
 * @param {readonly { line: number, args: readonly string[] }[]} programs
 * @returns {Promise<readonly Problem[]>}
 */
async function runProblems(markdown, programs) {
  if (programs.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), "millrace-snippets-"));
  try {
    await makePhotoFolder(folder);
    for (const { line, args } of programs) {
      const result = spawnSync(process.execPath, args, {
        cwd: folder,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        timeout: RUN_LIMIT_MS,
      });
      if (result.status === 0) continue;
      const end = result.status === null ? `ended by ${result.signal}` : `exit code ${result.status}`;
      return [{ markdown, line, text: `${end}\n${result.stdout}${result.stderr}`.trimEnd() }];
    }
    return [];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} files paths from the root of the repository
 * @returns {Promise<readonly Problem[]>}
 */
async function check(files) {
  const pages = files.map((markdown) => ({ markdown, blocks: fences(readFileSync(join(ROOT, markdown), "utf8")) }));
  const workbench = new Workbench();
  try {
    const modules = pages.flatMap(({ markdown, blocks }) => snippetModules(markdown, blocks));
    const problems = [...workbench.compile(modules)];
    problems.push(...pages.flatMap(({ markdown, blocks }) => shellProblems(markdown, blocks)));
    const executed = pages
      .filter(({ markdown }) => problems.every((problem) => problem.markdown !== markdown))
      .map(({ markdown, blocks }) => ({ markdown, programs: executions(markdown, blocks, workbench) }));
    for (const { markdown, programs } of executed) problems.push(...(await runProblems(markdown, programs)));
    const runs = executed.reduce((sum, { programs }) => sum + programs.length, 0);
    process.stdout.write(
      `${files.length} files, ${modules.length} programs compiled, ${runs} programs and commands run\n`,
    );
    return problems;
  } finally {
    workbench.close();
  }
}

const given = process.argv.slice(2).map((file) => relative(ROOT, resolve(file)));
const problems = await check(given.length > 0 ? given : documents());
for (const { markdown, line, text } of problems) process.stdout.write(`${markdown}:${line}: ${text}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
