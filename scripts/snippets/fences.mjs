/**
 * A line of code and where it stands.
 *
 * @typedef {object} Line
 * @property {string} text
 * @property {number} number in the Markdown file, from 1
 */

/**
 * A fenced block of a Markdown file.
 *
 * @typedef {object} Fence
 * @property {string} language the first word after the fence: `ts`, `sh`, …
 * @property {ReadonlySet<string>} words the other words after the fence: `run`, `continued`
 * @property {readonly Line[]} given code the reader does not see: an HTML comment `<!-- given: … -->` just before
 * @property {number} line the number of the line with the fence
 * @property {readonly Line[]} lines what stands inside
 */

const OPENING = /^(\s*)(`{3,}|~{3,})\s*(.*)$/;

/**
 * The fenced blocks of a Markdown file, in order.
 *
 * @param {string} markdown
 * @returns {readonly Fence[]}
 */
export function fences(markdown) {
  const lines = markdown.split(/\r?\n/).map((text, index) => ({ text, number: index + 1 }));
  /** @type {Fence[]} */
  const found = [];
  /** @type {readonly Line[]} */
  let given = [];
  for (let at = 0; at < lines.length; at++) {
    const line = /** @type {Line} */ (lines[at]);
    const opening = OPENING.exec(line.text);
    if (opening !== null) {
      const [, indent = "", mark = "", info = ""] = opening;
      const end = lines.findIndex(({ text }, index) => index > at && text.trim().startsWith(mark));
      const [language = "", ...words] = info.split(/\s+/);
      const inside = lines.slice(at + 1, end === -1 ? lines.length : end);
      found.push({
        language,
        words: new Set(words),
        given,
        line: line.number,
        lines: inside.map(({ text, number }) => ({
          text: text.startsWith(indent) ? text.slice(indent.length) : text,
          number,
        })),
      });
      at = end === -1 ? lines.length : end;
      given = [];
    } else if (line.text.startsWith("<!-- given:")) {
      const end = lines.findIndex(({ text }, index) => index >= at && text.includes("-->"));
      const comment = lines.slice(at, end === -1 ? lines.length : end + 1);
      given = comment.map(({ text, number }) => ({ text: text.replace("<!-- given:", "").replace("-->", ""), number }));
      at = end === -1 ? lines.length : end;
    } else if (line.text.trim() !== "") {
      given = [];
    }
  }
  return found;
}
