import { CorruptShardError } from "../errors.js";
import type { Extents } from "../extents.js";
import type { ShardFile } from "../shard-file.js";
import { lengthOf, type Batch } from "./batch.js";
import type { Buffers } from "./buffers.js";
import { valueExtents } from "./column-extents.js";
import type { Column, DictionaryColumn } from "./layout.js";
import { readDictionary } from "./message.js";
import type { Block, MessageIndex } from "./message-index.js";
import { placesOf } from "./place.js";

/** The values that a column of indices points at, from some place of a stream on: its one column. */
export interface Dictionary {
  /** Only record batches behind this offset point at it. */
  readonly from: number;
  readonly batches: readonly Batch[];
}

const NO_DICTIONARY: Dictionary = { from: 0, batches: [] };

/** One dictionary of a file, and in a stream those that replaced it. A delta belongs to the one before it. */
type Generations = { from: number; batches: Batch[] }[];

/**
 * The dictionaries of a file. Columns that point at the same one share what was read of it, so that the work is bounded
 * by the size of the file.
 */
export class Dictionaries {
  readonly #generations = new Map<string, Generations>();
  readonly #extents = new Map<Dictionary, Extents | undefined>();

  /**
   * Reads the metadata of those that `columns` point at; no value.
   * @throws CorruptShardError, UnsupportedError
   */
  constructor(file: ShardFile, index: MessageIndex, columns: readonly Column[]) {
    const byId = new Map<bigint, Map<string, DictionaryColumn>>();
    for (const column of columns) {
      if (column.kind !== "dictionary") continue;
      const same = byId.get(column.id) ?? new Map<string, DictionaryColumn>();
      byId.set(column.id, same.set(keyOf(column), column));
    }
    for (const block of index.dictionaries) {
      const { id, delta, batch } = readDictionary(file, block);
      for (const [key, column] of byId.get(id) ?? []) {
        const generations = this.#generations.get(key) ?? [];
        this.#generations.set(key, generations);
        if (generations.length === 0) generations.push({ from: index.isStream ? block.offset : -1, batches: [] });
        else if (!delta && !index.isStream) throw standsTwice(file, id, block);
        else if (!delta) generations.push({ from: block.offset, batches: [] });
        const { batches } = generations.at(-1) as Generations[number];
        const places = placesOf([column.values], batch, file.path);
        const { offset, metadataBytes } = block;
        const { rows } = batch;
        if (rows > 0) batches.push({ start: lengthOf(batches), rows, offset, body: offset + metadataBytes, places });
      }
    }
  }

  /** All messages of values. */
  get batches(): Batch[] {
    return [...this.#generations.values()].flatMap((generations) => generations.flatMap(({ batches }) => batches));
  }

  /** What a column of this record batch points at: the last dictionary before it. */
  of(column: DictionaryColumn, batch: Batch): Dictionary {
    const generations = this.#generations.get(keyOf(column)) ?? [];
    let low = -1;
    for (let high = generations.length - 1; low < high;) {
      const middle = (low + high + 1) >>> 1;
      if ((generations[middle] as Dictionary).from < batch.offset) low = middle;
      else high = middle - 1;
    }
    return generations[low] ?? NO_DICTIONARY;
  }

  /** Extents of a dictionary's values; `undefined` if they are compressed. */
  extentsOf(buffers: Buffers, column: DictionaryColumn, dictionary: Dictionary): Extents | undefined {
    if (this.#extents.has(dictionary)) return this.#extents.get(dictionary);
    const extents = valueExtents(buffers, column.values, 0, dictionary.batches);
    this.#extents.set(dictionary, extents);
    return extents;
  }
}

function keyOf({ id, values }: DictionaryColumn): string {
  return `${id}/${values.kind === "view" ? "view" : values.offsetBytes}`;
}

function standsTwice(file: ShardFile, id: bigint, block: Block): CorruptShardError {
  return new CorruptShardError({
    file: file.path,
    byte: block.offset,
    problem: `the dictionary ${id} stands in the file twice`,
    fix: "copy the file again",
  });
}
