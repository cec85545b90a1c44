/** @typedef {import("./fences.mjs").Line} Line */
/** @typedef {import("./fences.mjs").Fence} Fence */

/**
 * A program put together from the `ts` or `js` blocks of one Markdown file: a block marked `continued` goes on where the
 * block before it ended.
 *
 * @typedef {object} SnippetModule
 * @property {string} markdown the path of the Markdown file from the root of the repository
 * @property {string} name of the file to write, unique
 * @property {Line[]} lines
 * @property {number} line of its last fence
 * @property {boolean} run whether it is to be executed, not only compiled
 */

/**
 * @param {string} markdown the path of the Markdown file from the root of the repository
 * @param {readonly Fence[]} blocks of that file, in order
 * @returns {readonly SnippetModule[]}
 */
export function snippetModules(markdown, blocks) {
  /** @type {SnippetModule[]} */
  const modules = [];
  for (const { language, words, given, lines, line } of blocks) {
    if (language !== "ts" && language !== "js") continue;
    const name = `${markdown.replaceAll(/[^A-Za-z0-9]+/g, "-")}-${line}.${language}`;
    const before = words.has("continued") ? modules.at(-1) : undefined;
    const target = before ?? { markdown, name, lines: [], line, run: false };
    target.lines.push(...given, ...lines);
    target.line = line;
    target.run ||= words.has("run");
    if (before === undefined) modules.push(target);
  }
  return modules;
}
