import { maxByteLength, openShard, sampleBytes, type Field, type ShardLocation } from "@millrace/formats";

/**
 * Bytes of the longest value of each of the text `fields` that `names` asks for, over all shards. Texts are seldom asked
 * for, as this opens every shard.
 */
export async function measureTexts(
  shards: readonly ShardLocation[],
  fields: readonly Field[],
  names: readonly string[] | undefined,
): Promise<Map<string, number>> {
  const texts = fields.filter((field) => field.kind === "string" && names?.includes(field.name) === true);
  const longest = new Map<string, number>(texts.map((field) => [field.name, 0]));
  if (texts.length === 0) return longest;
  for (const location of shards) {
    const shard = await openShard(location);
    const { reader } = shard;
    try {
      for (const { name } of texts) {
        const extents = reader.extents(name);
        let bytes = extents === undefined ? 0 : maxByteLength(extents);
        if (extents === undefined)
          for (let row = 0; row < reader.length; row++)
            bytes = Math.max(bytes, sampleBytes(reader.readField(row, name)).length);
        longest.set(name, Math.max(bytes, longest.get(name) ?? 0));
      }
    } finally {
      shard.close();
    }
  }
  return longest;
}
