import { isMillraceError, openShard, type Extents, type Field, type ShardLocation } from "@millrace/formats";

/**
 * How workers get at the values of each of the `fields`, in words, and why; as the first shard with samples has them.
 * What is wrong with that shard is told by its samples, when they are read.
 */
export async function describeRoutes(
  shards: readonly ShardLocation[],
  fields: readonly Field[],
): Promise<ReadonlyMap<string, string>> {
  const first = shards.find(({ samples }) => samples > 0);
  if (first === undefined) return new Map();
  try {
    const shard = await openShard(first);
    try {
      const { reader } = shard;
      return new Map(
        fields.map((field) => {
          const hasShape = field.kind !== "ragged" || reader.shapes(field.name) !== undefined;
          return [field.name, routeText(hasShape ? reader.extents(field.name) : undefined, first)];
        }),
      );
    } finally {
      shard.close();
    }
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return new Map(fields.map(({ name }) => [name, "from a shard that cannot be opened"]));
  }
}

function routeText(extents: Extents | undefined, { format }: ShardLocation): string {
  if (extents === undefined) return `by the ${format} library, as the values do not lie plain in the file`;
  return extents.kind === "affine"
    ? `by affine extents: rows of ${extents.byteLength} bytes at equal distances`
    : "by a table of extents: rows differ in size or distance";
}
