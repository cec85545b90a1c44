/** Longest text that {@link shownValue} gives. */
const MAX_LENGTH = 200;
/** Lists in lists that are shown; a list may hold itself. */
const MAX_DEPTH = 4;

/** A value that an option has, as errors show it: what JSON has no word for too, NaN and infinity among it. */
export function shownValue(value: unknown): string {
  const text = textOf(value, 0);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

function textOf(value: unknown, depth: number): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (Array.isArray(value)) {
    if (depth === MAX_DEPTH) return "[…]";
    // A list may hold a number a sample, and each of its lists as many.
    let text = "";
    for (const item of value) {
      if (text.length > MAX_LENGTH) break;
      text += `${text === "" ? "" : ", "}${textOf(item, depth + 1)}`;
    }
    return `[${text}]`;
  }
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}
