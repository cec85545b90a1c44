import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, toolFile } from "../run-tool.mjs";

/** @typedef {import("./modules.mjs").SnippetModule} SnippetModule */

/**
 * A problem with a snippet.
 *
 * @typedef {object} Problem
 * @property {string} markdown
 * @property {number} line
 * @property {string} text
 */

/** A folder inside the repository in which snippets compile and run against the packages of the workspace. */
export class Workbench {
  /** @readonly */
  folder;

  constructor() {
    mkdirSync(join(ROOT, ".snippets"), { recursive: true });
    this.folder = mkdtempSync(join(ROOT, ".snippets", "run-"));
    linkPackages(join(this.folder, "node_modules"));
    writeFileSync(join(this.folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(this.folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  }

  /**
   * Compiles the modules together, under the rules of the repository.
   *
   * @param {readonly SnippetModule[]} modules
   * @returns {readonly Problem[]}
   */
  compile(modules) {
    if (modules.length === 0) return [];
    for (const { name, lines } of modules) {
      writeFileSync(join(this.folder, name), lines.map(({ text }) => text).join("\n"));
    }
    const output = compilerOutput(this.folder);
    return output
      .split(/\r?\n(?=\S)/)
      .filter((text) => text !== "")
      .map((text) => problemOf(text, modules));
  }

  /**
   * The compiled file of a module.
   *
   * @param {SnippetModule} module
   */
  compiled({ name }) {
    return join(this.folder, "out", name.replace(/\.ts$/, ".js"));
  }

  /** Removes the folder. */
  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const TSCONFIG = {
  extends: "../../tsconfig.base.json",
  compilerOptions: {
    composite: false,
    isolatedDeclarations: false,
    declaration: false,
    declarationMap: false,
    sourceMap: false,
    moduleDetection: "force",
    allowJs: true,
    checkJs: true,
    rootDir: ".",
    outDir: "out",
  },
  include: ["*.ts", "*.js"],
};

/** The packages of the workspace, and those of others that the documentation uses. @param {string} nodeModules */
function linkPackages(nodeModules) {
  for (const name of readdirSync(join(ROOT, "packages"))) {
    const source = join(ROOT, "packages", name);
    const { name: packageName } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
    const link = join(nodeModules, packageName);
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync(source, link, "junction");
  }
  const docs = join(ROOT, "docs");
  const { dependencies } = JSON.parse(readFileSync(join(docs, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    const link = join(nodeModules, name);
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync(join(docs, "node_modules", name), link, "junction");
  }
}

/** @param {string} folder */
function compilerOutput(folder) {
  try {
    const args = [toolFile("typescript", "tsc"), "-p", folder, "--pretty", "false"];
    return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  } catch (error) {
    const { stdout, message } = /** @type {Error & { stdout?: string }} */ (error);
    return stdout === undefined || stdout === "" ? message : stdout;
  }
}

/**
 * @param {string} text one message of the compiler: `name.ts(3,7): error TS2322: …`
 * @param {readonly SnippetModule[]} modules
 * @returns {Problem}
 */
function problemOf(text, modules) {
  const [, name, line, message] = /^(.+?)\((\d+),\d+\): ([^]*)$/.exec(text) ?? [];
  const module = modules.find((candidate) => candidate.name === name);
  if (module === undefined) return { markdown: "tsc", line: 0, text };
  const source = module.lines[Number(line) - 1] ?? module.lines.at(-1);
  return { markdown: module.markdown, line: source?.number ?? module.line, text: message ?? text };
}
