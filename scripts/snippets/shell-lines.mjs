/** @typedef {import("./fences.mjs").Line} Line */

/**
 * One simple command of a shell block: its words, without quotes, comments and leading assignments.
 *
 * @typedef {object} ShellCommand
 * @property {readonly string[]} words
 * @property {number} number of its first line in the Markdown file
 */

/** A quoted string, an operator between commands, a comment, or a run of plain characters. */
const TOKEN = /"((?:[^"\\]|\\.)*)"|'([^']*)'|(&&|\|\||[;|&])|((?<=^|\s)#.*$)|((?:[^\s"';|&\\]|\\.)+)|(\s+)/gm;

/**
 * The simple commands in the lines of a shell block. Lines that end in a backslash go on; a leading `$ ` is a prompt.
 *
 * @param {readonly Line[]} lines
 * @returns {readonly ShellCommand[]}
 */
export function shellCommands(lines) {
  /** @type {ShellCommand[]} */
  const commands = [];
  let pending = "";
  let number = 0;
  for (const line of lines) {
    if (pending === "") number = line.number;
    const text = pending === "" ? line.text.replace(/^\s*\$ /, "") : line.text;
    if (text.endsWith("\\")) {
      pending += `${text.slice(0, -1)} `;
      continue;
    }
    for (const words of splitLine(pending + text)) commands.push({ words, number });
    pending = "";
  }
  return commands;
}

/**
 * @param {string} text
 * @returns {readonly (readonly string[])[]}
 */
function splitLine(text) {
  /** @type {string[][]} */
  const commands = [[]];
  let word = "";
  let inWord = false;
  const endWord = () => {
    if (inWord) commands.at(-1)?.push(word);
    word = "";
    inWord = false;
  };
  for (const [, double, single, operator, comment, plain] of text.matchAll(TOKEN)) {
    const piece = double ?? single ?? plain;
    if (piece !== undefined) {
      word += piece;
      inWord = true;
      continue;
    }
    endWord();
    if (comment !== undefined) break;
    if (operator !== undefined) commands.push([]);
  }
  endWord();
  return commands
    .map((words) => words.slice(words.findIndex((first) => !/^[A-Za-z_]\w*=/.test(first))))
    .filter((words) => words.length > 0);
}
