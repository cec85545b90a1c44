import { printable } from "@millrace/formats";
import { styleText } from "node:util";

/** How the cells of a column stand. */
export type Align = "left" | "right";

/**
 * Rows as aligned columns, two spaces apart, the header bold on a terminal. Control characters of data are escaped.
 * Columns whose cells all look like numbers stand right.
 */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = header.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const aligns = header.map((_, column): Align =>
    cells.every((row) => /^[-\d., %]*$/u.test(row[column] ?? "")) ? "right" : "left",
  );
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) =>
        aligns[column] === "right" ? (row[column] ?? "").padStart(width) : (row[column] ?? "").padEnd(width),
      )
      .join("  ")
      .trimEnd();
  return [styleText("bold", line(header)), ...cells.map(line)].join("\n");
}

/** A count of bytes in the largest unit that keeps it above 1: `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 2 ** (10 * power)).toFixed(1)} ${units[power]}`;
}

/** A count with thin groups of three digits: `12,000`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}
