import { UnsupportedError } from "../errors.js";
import { ShardFile } from "../shard-file.js";
import { readTextAttributes } from "./metadata/attribute.js";
import { isDataset, readDataset, type Dataset } from "./metadata/dataset.js";
import { GlobalHeap } from "./metadata/global-heap.js";
import { isGroup, readLinks } from "./metadata/group.js";
import type { MetadataFile } from "./metadata/metadata-file.js";
import { MESSAGES, readObjectHeader, type ObjectHeader } from "./metadata/object-header.js";
import { readSuperblock } from "./metadata/superblock.js";

/** A group below the root is looked into, one below that is not. */
const MAX_DEPTH = 2;
/** A file with more members has another purpose than samples. */
const MAX_MEMBERS = 100_000;

/** What an HDF5 file holds, read by our own parser with `pread`; the library is not loaded. */
export interface Hdf5Metadata {
  readonly file: ShardFile;
  readonly metadata: MetadataFile;
  readonly heap: GlobalHeap;
  /** Text attributes of the root group. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Datasets of the root and of its groups by path, such as `image` and `jpeg/bytes`. */
  readonly datasets: ReadonlyMap<string, Dataset>;
}

/**
 * Opens a file and reads its metadata. The caller closes `file`.
 * @throws CorruptShardError, UnsupportedError, FileError
 */
export function openMetadata(path: string): Hdf5Metadata {
  const file = new ShardFile(path);
  try {
    return readMetadata(file);
  } catch (error) {
    file.close();
    throw error;
  }
}

function readMetadata(file: ShardFile): Hdf5Metadata {
  const { metadata, root, extension } = readSuperblock(file);
  if (extension !== undefined) refuseCacheImage(metadata, readObjectHeader(metadata, extension));
  const datasets = new Map<string, Dataset>();
  const heap = new GlobalHeap(metadata);
  const rootHeader = readObjectHeader(metadata, root);
  let members = 0;
  collect("", rootHeader, 1);
  return { file, metadata, heap, attributes: readTextAttributes(heap, rootHeader), datasets };

  function collect(prefix: string, group: ObjectHeader, depth: number): void {
    const links = readLinks(metadata, group);
    members += links.size;
    if (members > MAX_MEMBERS) {
      throw new UnsupportedError({
        file: file.path,
        problem: "has too many members",
        expected: `at most ${MAX_MEMBERS}`,
      });
    }
    for (const [name, address] of links) {
      const path = prefix + name;
      const header = readObjectHeader(metadata, address);
      if (isDataset(header)) datasets.set(path, readDataset(metadata, path, header));
      else if (depth < MAX_DEPTH && isGroup(header)) collect(`${path}/`, header, depth + 1);
    }
  }
}

/** With a cache image, the metadata at its places is out of date. */
function refuseCacheImage(metadata: MetadataFile, extension: ObjectHeader): void {
  if (!extension.messages.some(({ type }) => type === MESSAGES.cacheImage)) return;
  throw new UnsupportedError({
    file: metadata.path,
    problem: "carries an image of the metadata cache",
    fix: "write it again without that",
  });
}
