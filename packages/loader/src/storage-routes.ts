import {
  isMillraceError,
  jpegSegmentColumn,
  openShard,
  type Extents,
  type Field,
  type OpenShard,
  type ShardLocation,
} from "@millrace/formats/shard";

/** How workers get at the values of a field. */
export interface StorageRoute {
  /** True if they read them from their places in the file, and not by the format's library. */
  readonly isPlain: boolean;
  /** True if there is an index of the restart segments of its JPEGs, so that a crop is read and decoded by itself. */
  readonly isSeekable: boolean;
  /** In words. */
  readonly text: string;
}

/**
 * How workers get at the values of each of the `fields`, and why; as the first shard with samples has them.
 * What is wrong with that shard is told by its samples, when they are read.
 */
export async function describeRoutes(
  shards: readonly ShardLocation[],
  fields: readonly Field[],
): Promise<ReadonlyMap<string, StorageRoute>> {
  const first = shards.find(({ samples }) => samples > 0);
  if (first === undefined) return new Map();
  try {
    const shard = await openShard(first);
    try {
      const { reader } = shard;
      return new Map(
        fields.map((field) => {
          const hasShape = field.kind !== "ragged" || reader.shapes(field.name) !== undefined;
          return [field.name, routeOf(hasShape ? reader.extents(field.name) : undefined, shard, field.name)];
        }),
      );
    } finally {
      shard.close();
    }
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    const route = { isPlain: false, isSeekable: false, text: "from a shard that cannot be opened" };
    return new Map(fields.map(({ name }) => [name, route]));
  }
}

function routeOf(extents: Extents | undefined, { location, index }: OpenShard, name: string): StorageRoute {
  const { format, path } = location;
  if (extents === undefined) {
    const text = `by the ${format} library, as the values do not lie plain in the file`;
    return { isPlain: false, isSeekable: false, text };
  }
  const isSeekable = index !== undefined && jpegSegmentColumn(path, index, name) !== undefined;
  const text =
    extents.kind === "affine"
      ? `by affine extents: rows of ${extents.byteLength} bytes at equal distances`
      : "by a table of extents: rows differ in size or distance";
  return { isPlain: true, isSeekable, text };
}
