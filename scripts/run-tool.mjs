import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] the folder to run in; the root of the repository unless told
 * @property {Record<string, string | undefined>} [env] variables on top of this process's own; `undefined` takes one away
 */

/**
 * Runs a program to its end with this process's output, no input and no shell. SIGINT and SIGTERM end
 * this process only after the program, which gets SIGTERM passed on.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<number>} the exit code; 127 if the program could not be started, 1 if a signal ended it
 */
export function run(program, args, { cwd = ROOT, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    /** @type {NodeJS.Signals | undefined} */
    let ending;
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      ending = signal;
      if (signal !== "SIGINT") child.kill(signal); // a terminal sends SIGINT to both
    };
    process.on("SIGINT", forward).on("SIGTERM", forward);
    /** @param {number} code */
    const done = (code) => {
      process.off("SIGINT", forward).off("SIGTERM", forward);
      if (ending === undefined) resolve(code);
      else process.kill(process.pid, ending);
    };
    child.once("error", (error) => {
      process.stderr.write(`${program} could not be started: ${error.message}\n`);
      done(127);
    });
    child.once("exit", (code, signal) => {
      if (code === null) process.stderr.write(`${program} was ended by ${signal}\n`);
      done(code ?? 1);
    });
  });
}

/**
 * Runs a command of an installed package by its file, so that it works where `node_modules/.bin` holds `.cmd` files.
 *
 * @param {string} packageName
 * @param {string} command the name under `bin`
 * @param {readonly string[]} args
 * @param {RunOptions & { from?: string }} [options] `from`: the folder whose `node_modules` holds the package
 */
export function runTool(packageName, command, args, { from = ROOT, ...options } = {}) {
  return run(process.execPath, [toolFile(packageName, command, from), ...args], options);
}

/**
 * The file behind a command of an installed package.
 *
 * @param {string} packageName
 * @param {string} command
 * @param {string} [from] the folder whose `node_modules` holds the package
 */
export function toolFile(packageName, command, from = ROOT) {
  const folder = join(from, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[command]);
}

/**
 * Runs npm: the one that started this process, else the one that came with this Node.
 *
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 */
export function runNpm(args, options) {
  const besideNode = dirname(process.execPath);
  const file = [
    process.env["npm_execpath"] ?? "",
    join(besideNode, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    join(besideNode, "node_modules", "npm", "bin", "npm-cli.js"),
  ].find((path) => basename(path) === "npm-cli.js" && existsSync(path));
  return file === undefined ? run("npm", args, options) : run(process.execPath, [file, ...args], options);
}
