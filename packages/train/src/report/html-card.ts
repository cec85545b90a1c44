import { markup, type SafeHtml } from "./escape.js";

/** A section of the page with a heading. */
export function card(title: string, content: SafeHtml, id?: string): SafeHtml {
  const attribute = id === undefined ? undefined : markup` id="${id}"`;
  return markup`<section class="card"${attribute}><h2>${title}</h2>${content}</section>`;
}
