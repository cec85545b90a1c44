/** Longest text that {@link shownValue} gives. */
const MAX_LENGTH = 200;

/** A value that an option has, as errors show it: what JSON has no word for too, NaN and infinity among it. */
export function shownValue(value: unknown): string {
  const text = textOf(value);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}

function textOf(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  // A list may hold a number a sample.
  if (Array.isArray(value)) return `[${value.slice(0, MAX_LENGTH).map(textOf).join(", ")}]`;
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}
