/** Text that is HTML already, made by {@link markup} or by {@link trusted}. */
export class SafeHtml {
  constructor(readonly text: string) {}
}

/** What may stand in an {@link markup} template. */
export type HtmlValue = string | number | SafeHtml | undefined | readonly SafeHtml[];

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/** Text as it may stand in an element or a quoted attribute. Control characters become visible. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll(/[&<>"']/gu, (character) => ESCAPES.get(character) as string)
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu, "\u{fffd}");
}

/** A template whose values are escaped, unless they are {@link SafeHtml}. `undefined` is nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): SafeHtml {
  return new SafeHtml(parts.map((part, index) => part + (index < values.length ? render(values[index]) : "")).join(""));
}

function render(value: HtmlValue): string {
  if (value === undefined) return "";
  if (value instanceof SafeHtml) return value.text;
  if (typeof value === "object") return value.map((item) => item.text).join("");
  return escapeHtml(String(value));
}

/** Own text that is HTML, CSS or JavaScript; never anything that came from data. */
export function trusted(text: string): SafeHtml {
  return new SafeHtml(text);
}

/** A value as JSON that may stand in a `script` element: it holds no `<`, so it cannot end it. */
export function jsonForScript(value: unknown): SafeHtml {
  return new SafeHtml(
    JSON.stringify(value)
      .replaceAll("<", String.raw`\u003c`)
      .replaceAll("\u2028", String.raw`\u2028`)
      .replaceAll("\u2029", String.raw`\u2029`),
  );
}
