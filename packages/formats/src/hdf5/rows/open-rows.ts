import { UnsupportedError } from "../../errors.js";
import type { ShardFile } from "../../shard-file.js";
import type { LibraryFile } from "../library-file.js";
import type { Dataset } from "../metadata/dataset.js";
import { corrupt } from "../metadata/cursor.js";
import { FILTERS, type Filter } from "../metadata/filter-message.js";
import { filterName } from "../metadata/filter-name.js";
import { ChunkedRows } from "./chunked.js";
import { FillRows } from "./fill.js";
import { isKnownFilter } from "./filters.js";
import { LibraryRows } from "./library.js";
import { ContiguousRows, SwappedRows, type Rows } from "./rows.js";

/** A row is one piece of memory. */
const MAX_ROW_BYTES = 2 ** 31 - 1;
/** A row or a chunk that does not lie in the file as it is may always become this large. */
const FREE_DECODED_BYTES = 2 ** 26;
/** Above that it may become this many times as large as the file: more than any images do, less than a bomb. */
const MAX_RATIO = 20;
/** No row or chunk of any file may become larger. */
const MAX_DECODED_BYTES = 2 ** 28;
/**
 * Filters that h5wasm has and we do not: nbit and scale-offset. It also has szip, which takes the size of its output
 * from the chunk, and so has no limit.
 */
const LIBRARY_FILTERS = new Set([5, 6]);

/**
 * The rows of a dataset of rank 1 and up. `openLibrary` is called only where the library is needed: for filters that
 * it has and we do not.
 * @throws UnsupportedError if the dataset cannot be read.
 */
export async function openRows(
  file: ShardFile,
  dataset: Dataset,
  openLibrary: () => Promise<LibraryFile>,
): Promise<Rows> {
  const shape = dataset.shape ?? [];
  const refuse: Refuse = (problem, fix) => {
    throw new UnsupportedError({ file: file.path, field: dataset.path, problem, fix });
  };
  if (shape.length === 0) refuse("the dataset has no rows");
  const { type } = dataset;
  const length = shape[0] as number;
  const rowBytes = shape.slice(1).reduce((product, extent) => product * extent, type.bytes);
  const plain = dataset.storage.kind === "contiguous" && dataset.storage.position !== undefined;
  if (rowBytes > (plain ? MAX_ROW_BYTES : decodedLimit(file)))
    refuse("a row of the dataset is too large", plain ? "use smaller rows" : "copy it with h5repack -l CONTI");
  const rows =
    length * rowBytes === 0
      ? new ContiguousRows(file, 0, length, rowBytes)
      : await openStored(file, dataset, { shape, length, rowBytes, refuse, openLibrary });
  if (type.kind !== "number" || !type.bigEndian || rows instanceof LibraryRows) return rows;
  return new SwappedRows(rows, type.bytes);
}

/** How large a row or a chunk of the file may become. */
function decodedLimit({ size }: ShardFile): number {
  return Math.min(MAX_DECODED_BYTES, Math.max(FREE_DECODED_BYTES, size * MAX_RATIO));
}

type Refuse = (problem: string, fix?: string) => never;

interface Opening {
  readonly shape: readonly number[];
  readonly length: number;
  readonly rowBytes: number;
  readonly refuse: Refuse;
  readonly openLibrary: () => Promise<LibraryFile>;
}

async function openStored(file: ShardFile, dataset: Dataset, opening: Opening): Promise<Rows> {
  const { path, type, storage, fill } = dataset;
  const { shape, length, rowBytes, refuse } = opening;
  switch (storage.kind) {
    case "unreadable":
      return refuse(`the dataset is not read: ${storage.reason}`, "copy it with h5repack -l CONTI");
    case "contiguous":
      return storage.position === undefined
        ? new FillRows(length, rowBytes, fill)
        : new ContiguousRows(file, storage.position, length, rowBytes);
    case "chunked": {
      const chunkBytes = storage.chunkShape.reduce((product, extent) => product * extent, type.bytes);
      const { filters, table } = storage;
      if (chunkBytes > decodedLimit(file) || table === undefined)
        return refuse("the dataset has too many or too large chunks", "copy it with h5repack -l CONTI");
      if (filters.every(isKnownFilter)) return new ChunkedRows(file, dataset, shape, { ...storage, table });
      checkFilters(file, filters, chunkBytes / type.bytes, type.bytes, refuse);
      if (type.kind === "variable")
        return refuse("the dataset is not read with these filters", "copy it with h5repack -f GZIP=1");
      return new LibraryRows(await opening.openLibrary(), path, shape, rowBytes);
    }
  }
}

/**
 * The library inflates without a limit, so it gets no deflated chunks; and it makes room for as many elements as a
 * filter's third and fifth parameter say, so they have to be those of the chunk.
 */
function checkFilters(
  file: ShardFile,
  filters: readonly Filter[],
  elements: number,
  bytes: number,
  refuse: Refuse,
): void {
  for (const { id, name, parameters } of filters) {
    if (id === FILTERS.fletcher32 || id === FILTERS.shuffle) continue;
    if (!LIBRARY_FILTERS.has(id))
      refuse(
        `the dataset is encoded by ${filterName(id, name)}, which is not read`,
        "copy it with h5repack -f GZIP=1, where that filter is installed",
      );
    if (parameters[2] !== elements || parameters[4] !== bytes)
      corrupt(file.path, 0, `filter ${id} is not for these chunks`, `${elements} elements of ${bytes} bytes`);
  }
}
