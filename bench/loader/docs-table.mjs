/** Tables of Markdown, and the place in docs/loader-speed.md where a bench puts its own. */
import { readFileSync, writeFileSync } from "node:fs";

const DOCS = new URL("../../docs/loader-speed.md", import.meta.url);

/**
 * A table whose columns are as wide as their widest cell, as the formatter writes it.
 * @param {readonly string[]} header
 * @param {readonly (readonly unknown[])[]} rows
 * @param {number} [texts] how many columns from the left are texts; the others are numbers, set to the right
 */
export function markdownTable(header, rows, texts = 1) {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, i) => (i < texts ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = widths.map((width, i) => (i < texts ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(cells[0]), `| ${rule.join(" | ")} |`, ...cells.slice(1).map(line)].join("\n");
}

/**
 * Replaces what stands between the marks of a bench in docs/loader-speed.md, or in another page.
 * @param {string} bench
 * @param {string} text
 * @param {URL} [page]
 */
export function writeDocs(bench, text, page = DOCS) {
  const [begin, end] = [`<!-- bench/${bench}: begin -->`, `<!-- bench/${bench}: end -->`];
  const before = readFileSync(page, "utf8");
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${page.pathname}: expected the marks ${begin} and ${end}`);
  writeFileSync(page, `${before.slice(0, from + begin.length)}\n\n${text}\n\n${before.slice(to)}`);
}
