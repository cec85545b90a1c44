import { CorruptShardError } from "../errors.js";
import type { Extents } from "../extents.js";
import type { ShardFile } from "../shard-file.js";
import { lengthOf, variableExtents } from "./column-extents.js";
import type { ArrowFooter } from "./footer.js";
import type { Column, DictionaryColumn } from "./layout.js";
import { readDictionary, type DictionaryMetadata } from "./message.js";
import { placesOf, type Place } from "./place.js";

/**
 * The dictionaries of a file. Columns that point at the same one share what was read of it, so that the work is bounded
 * by the size of the file.
 */
export class Dictionaries {
  readonly #file: ShardFile;
  readonly #places = new Map<string, readonly Place[]>();
  readonly #extents = new Map<string, Extents>();

  /**
   * Reads the metadata of those that `columns` point at; no value.
   * @throws CorruptShardError, UnsupportedError
   */
  constructor(file: ShardFile, footer: ArrowFooter, columns: readonly Column[]) {
    this.#file = file;
    const messages = new Map<bigint, DictionaryMetadata[]>();
    for (const block of footer.dictionaries) {
      const message = readDictionary(file, block);
      const known = messages.get(message.id);
      if (known === undefined) messages.set(message.id, [message]);
      else if (message.delta) known.push(message);
      else throw replaced(file, message);
    }
    for (const column of columns) {
      if (column.kind !== "dictionary" || this.#places.has(keyOf(column))) continue;
      const places: Place[] = [];
      for (const { batch } of messages.get(column.id) ?? [])
        places.push(...placesOf([column.values], batch, lengthOf(places), file.path));
      this.#places.set(keyOf(column), places);
    }
  }

  /** Extents of the values that a column's indices point at. */
  valuesOf(column: DictionaryColumn): Extents {
    const key = keyOf(column);
    const known = this.#extents.get(key);
    if (known !== undefined) return known;
    const extents = variableExtents(this.#file, column.values, this.#places.get(key) ?? []);
    this.#extents.set(key, extents);
    return extents;
  }
}

function keyOf({ id, values }: DictionaryColumn): string {
  return `${id}/${values.offsetBytes}`;
}

function replaced(file: ShardFile, { id, batch }: DictionaryMetadata): CorruptShardError {
  return new CorruptShardError({
    file: file.path,
    byte: batch.offset,
    problem: `the dictionary ${id} stands in the file twice`,
    fix: "copy the file again",
  });
}
