import type { ShardEntry } from "./manifest.js";
import { isShardEntry } from "./shard-entries.js";

/** So many pieces of text are put together before they are handed on: a longer text would outlive young memory. */
const PIECES = 128;

/**
 * Writes the JSON text of a value that is the same whatever the order of the keys of its objects, in pieces: an object
 * stands as the list of its pairs `[key, value]`, in the order of the keys' UTF-16 units. What JSON has no text for is
 * `null`.
 */
export function writeCanonical(value: unknown, write: (text: string) => void): void {
  const writer = new CanonicalWriter(write);
  writer.add(value);
  writer.flush();
}

class CanonicalWriter {
  #text = "";
  #pieces = 0;

  constructor(readonly write: (text: string) => void) {}

  add(value: unknown): void {
    if (Array.isArray(value)) this.#addList(value);
    else if (typeof value === "object" && value !== null) this.#addObject(value);
    else this.#put(JSON.stringify(value) ?? "null");
  }

  flush(): void {
    this.write(this.#text);
    this.#text = "";
    this.#pieces = 0;
  }

  #put(text: string): void {
    this.#text += text;
    if (++this.#pieces === PIECES) this.flush();
  }

  #addList(list: readonly unknown[]): void {
    this.#put("[");
    for (let at = 0; at < list.length; at++) {
      const member = list[at];
      if (at > 0) this.#put(",");
      if (isShardEntry(member)) this.#put(entryText(member));
      else this.add(member);
    }
    this.#put("]");
  }

  #addObject(object: object): void {
    const pairs = Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1));
    this.#put("[");
    for (const [at, [key, value]] of pairs.entries()) {
      this.#put(`${at > 0 ? "," : ""}[${JSON.stringify(key)},`);
      this.add(value);
      this.#put("]");
    }
    this.#put("]");
  }
}

/** The text of a shard, of which there may be tens of thousands: what an object of these keys comes to, spelled out. */
function entryText({ path, samples, bytes, crc32c, index }: ShardEntry): string {
  const name = JSON.stringify(path);
  return `[["bytes",${bytes}],["crc32c","${crc32c}"],["index",[["bytes",${index.bytes}],["crc32c","${index.crc32c}"]]],["path",${name}],["samples",${samples}]]`;
}
