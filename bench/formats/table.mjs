import { readFileSync, writeFileSync } from "node:fs";

/** @typedef {import("./measure.mjs").Line} Line */

const DOCS = new URL("../../docs/formats.md", import.meta.url);
const BEGIN = "<!-- bench/formats: begin -->";
const END = "<!-- bench/formats: end -->";

/** Lines as a table of Markdown. @param {readonly Line[]} lines */
export function tableOf(lines) {
  const header = ["what", "against", "ours", "theirs", "ratio", "bar", "met"];
  const rows = lines.map((line) => [
    line.what,
    line.against,
    `${numbers(line.ours)} ${line.unit}`,
    line.theirs === null ? "" : `${numbers(line.theirs)} ${line.unit}`,
    line.ratios === null ? "" : numbers(line.ratios),
    line.bar,
    line.met === null ? "" : line.met ? "yes" : "no",
  ]);
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column].length)));
  const text = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [text(header), text(widths.map((width) => "-".repeat(width))), ...rows.map(text)].join("\n");
}

/** Median and quartiles with three digits. @param {{ median: number, low: number, high: number }} spread */
function numbers({ median, low, high }) {
  return low === high ? digits(median) : `${digits(median)} [${digits(low)}..${digits(high)}]`;
}

function digits(value) {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Puts the table of all lines into docs/formats.md. @param {Record<string, { lines: readonly Line[], cpu: string, cores: number, node: string }>} sections */
export function writeDocs(sections) {
  const all = Object.values(sections);
  const machine = `${all[0]?.cores} cores of ${all[0]?.cpu}, Node ${all[0]?.node}`;
  const table = tableOf(all.flatMap(({ lines }) => lines));
  const before = readFileSync(DOCS, "utf8");
  const [from, to] = [before.indexOf(BEGIN) + BEGIN.length, before.indexOf(END)];
  writeFileSync(DOCS, `${before.slice(0, from)}\n\nMeasured on ${machine}.\n\n${table}\n\n${before.slice(to)}`);
}
