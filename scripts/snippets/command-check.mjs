import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../run-tool.mjs";

/** The compiled `millrace` command. */
export const MILLRACE = join(ROOT, "packages", "cli", "dist", "bin.js");

/** What `npx` itself understands before the name of a command. */
const NPX_FLAGS = new Set(["--yes", "-y", "--"]);

/** @type {Map<string, Help>} by command, "" for none */
const helps = new Map();

/**
 * What `millrace <command> --help` prints, or how it failed.
 *
 * @typedef {object} Help
 * @property {string} text
 * @property {string} [problem]
 */

/**
 * The arguments of a call of `millrace` (`npx millrace convert …`, `millrace convert …`), or `undefined` for another
 * command.
 *
 * @param {readonly string[]} words
 */
export function millraceArguments(words) {
  const start = words[0] === "npx" ? words.findIndex((word, index) => index > 0 && !NPX_FLAGS.has(word)) : 0;
  return words[start] === "millrace" ? words.slice(start + 1) : undefined;
}

/**
 * What is wrong with one command of a shell block: a command or flag that `millrace --help` does not list, an npm
 * script that package.json does not have, a file for node that is not in the repository. Other programs are not
 * checked.
 *
 * @param {readonly string[]} words
 * @returns {string | undefined}
 */
export function commandProblem(words) {
  const millrace = millraceArguments(words);
  if (millrace !== undefined) return millraceProblem(millrace);
  const [program, first = "", second = ""] = words;
  if (program === "npm" && (first === "run" || first === "test"))
    return scriptProblem(first === "run" ? second : first);
  if (program === "node" && /\.[cm]?js$/.test(first) && !existsSync(join(ROOT, first))) {
    return `there is no file ${first} in the repository`;
  }
  return undefined;
}

/** @param {readonly string[]} args */
function millraceProblem(args) {
  if (!existsSync(MILLRACE)) return `${MILLRACE} is missing; run npm run build`;
  const general = help("");
  if (general.problem !== undefined) return general.problem;
  const command = args.find((arg) => !arg.startsWith("-")) ?? "";
  const commands = matches(general.text, /^\s+millrace ([a-z][a-z-]*)/gm);
  if (command !== "" && !commands.has(command)) return `millrace has no command ${command}; it has ${list(commands)}`;
  const special = help(command);
  if (special.problem !== undefined) return special.problem;
  const flags = matches(special.text, /(?<=[\s,])(--?[a-z][a-z0-9-]*)/g);
  const unknown = args
    .map((arg) => arg.replace(/=.*$/s, ""))
    .filter((arg) => /^--?[A-Za-z]/.test(arg) && !flags.has(arg) && !flags.has(arg.replace(/^--no-/, "--")));
  return unknown.length === 0 ? undefined : `millrace ${command} has no ${list(unknown)}; it has ${list(flags)}`;
}

/**
 * @param {string} text
 * @param {RegExp} pattern
 */
function matches(text, pattern) {
  return new Set([...text.matchAll(pattern)].map(([, group = ""]) => group));
}

/** @param {Iterable<string>} names */
function list(names) {
  return [...names].join(", ");
}

/** @param {string} script */
function scriptProblem(script) {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const names = Object.keys(scripts);
  return names.includes(script) ? undefined : `package.json has no script ${script}; it has ${names.join(", ")}`;
}

/**
 * @param {string} command
 * @returns {Help}
 */
function help(command) {
  const known = helps.get(command);
  if (known !== undefined) return known;
  const args = command === "" ? ["--help"] : [command, "--help"];
  const env = { ...process.env, NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MILLRACE, ...args], { encoding: "utf8", env });
  const reason = stderr.split("\n").find((line) => line.includes("Error")) ?? stderr.trim();
  const made = status === 0 ? { text: stdout } : { text: "", problem: `millrace ${args.join(" ")} fails: ${reason}` };
  helps.set(command, made);
  return made;
}
