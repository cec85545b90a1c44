import type { Dtype } from "../dtype.js";
import { FileError, isMillraceError } from "../errors.js";
import { patchHeader, type Intent } from "./header-patch.js";
import { LibraryFile, type NewElement } from "./library-file.js";
import { openLibrary, type Hdf5Library } from "./library.js";
import { openMetadata, type Hdf5Metadata } from "./metadata.js";
import { writeFully } from "./spool.js";

/** A dataset to be created. */
export interface NewDataset {
  readonly path: string;
  /** A text of so many bytes, or a number. */
  readonly element: { readonly text: number } | Dtype;
  readonly shape: readonly number[];
}

/** What to create in a file. */
export interface SkeletonPlan {
  /** `create` empties the file; `add` keeps what is there. */
  readonly mode: "create" | "add";
  readonly datasets: readonly NewDataset[];
  readonly attributes: ReadonlyMap<string, string>;
}

/**
 * Lets the HDF5 library lay out datasets in the file at `path`, without their elements, and returns where each begins,
 * in bytes of the file. Elements are then written to their place as into any file, so that a full disk is noticed at
 * once. The library is not trusted to notice it: all that it wrote is read back and compared with the plan.
 *
 * `fd` is the same file, open for reading and writing.
 * @throws FileError if the disk or the library refuses.
 */
export async function layOut(path: string, fd: number, plan: SkeletonPlan): Promise<ReadonlyMap<string, number>> {
  create(await openLibrary(), path, plan);
  const intents = new Map<string, Intent>(
    plan.datasets.map(({ path: name, element, shape }) => [
      name,
      { element: typeof element === "string" ? element : "text", shape },
    ]),
  );
  inspect(path, ({ headers }) => {
    for (const [name, header] of headers)
      for (const { bytes, position } of patchHeader(header, intents.get(name))) writeFully(fd, bytes, position, path);
  });
  return inspect(path, (file) => {
    for (const [name, text] of plan.attributes)
      if (file.attributes.get(name) !== text) throw notWritten(path, `the attribute ${name}`);
    return new Map(plan.datasets.map((dataset) => [dataset.path, positionOf(file, dataset)]));
  });
}

function create(library: Hdf5Library, path: string, plan: SkeletonPlan): void {
  const file = new LibraryFile(library, path, plan.mode);
  try {
    const groups = new Set(plan.datasets.map((dataset) => dataset.path.split("/")).filter((parts) => parts.length > 1));
    for (const group of new Set([...groups].map(([name]) => name as string))) file.createGroup(group);
    for (const { path: name, element, shape } of plan.datasets) {
      const [rows = 0, ...rowShape] = shape;
      // h5wasm has no float16: float32 of half the rows takes the same room, see patchHeader.
      const half = element === "float16";
      file.createDataset(name, newElement(element), half ? [Math.ceil(rows / 2), ...rowShape] : shape);
    }
    for (const [name, text] of plan.attributes) file.createAttribute(name, text);
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
  file.close();
}

function newElement(element: NewDataset["element"]): NewElement {
  if (typeof element !== "string") return { kind: "text", bytes: element.text };
  return { kind: "number", dtype: element === "float16" ? "float32" : element };
}

/** The failure that is already known counts, not the one that follows from it. */
function closeQuietly(file: LibraryFile): void {
  try {
    file.close();
  } catch (error) {
    if (!isMillraceError(error)) throw error;
  }
}

/** Reads back the metadata. What cannot be read was not written: a full disk cuts it off. */
function inspect<T>(path: string, look: (file: Hdf5Metadata) => T): T {
  let file: Hdf5Metadata | undefined;
  try {
    file = openMetadata(path);
    return look(file);
  } catch (error) {
    throw isMillraceError(error, "CORRUPT_SHARD") ? notWritten(path, "the file", error) : error;
  } finally {
    file?.file.close();
  }
}

function positionOf(file: Hdf5Metadata, plan: NewDataset): number {
  const dataset = file.datasets.get(plan.path);
  const type = dataset?.type;
  const right =
    typeof plan.element === "string"
      ? type?.kind === "number" && type.dtype === plan.element
      : type?.kind === "text" && type.bytes === plan.element.text && type.padding === "null";
  if (dataset?.storage.kind !== "contiguous" || !right || dataset.shape?.join() !== plan.shape.join())
    throw notWritten(file.file.path, `the dataset ${plan.path}`);
  if (plan.shape.includes(0)) return 0;
  return dataset.storage.position ?? fail(file.file.path, plan.path);
}

function fail(path: string, dataset: string): never {
  throw notWritten(path, `the room for the dataset ${dataset}`);
}

function notWritten(path: string, what: string, cause?: unknown): FileError {
  return new FileError({
    file: path,
    problem: `cannot write the shard: ${what} is not there as it was written`,
    fix: "check the disk and free some space",
    cause,
  });
}
