import { OptionError } from "./errors.js";

/**
 * Checks the number of a row.
 * @throws OptionError if the shard has no such row.
 */
export function checkRowNumber(file: string, row: number, length: number): void {
  if (Number.isInteger(row) && row >= 0 && row < length) return;
  throw new OptionError({
    file,
    option: "row",
    problem: "there is no such sample",
    expected: length === 0 ? "none, the shard is empty" : `0 to ${length - 1}`,
    found: String(row),
  });
}
