import { errorFromData, errorToData, isMillraceError, openShard, type ShardLocation } from "@millrace/formats";

/**
 * The error of a bad sample with the sample's `key`, where the data set has a field of that name: the path that it was
 * made from, which says more than shard and row. Opens the shard for that, so it is for an error that ends a run.
 * @returns `error` itself if the key cannot be told.
 */
export async function withKey(error: unknown, shards: readonly ShardLocation[]): Promise<unknown> {
  if (!isMillraceError(error)) return error;
  const { file, sample, key } = error.detail;
  const location = shards.find((shard) => shard.path === file);
  if (location === undefined || sample === undefined || key !== undefined) return error;
  const hasKey = location.schema.fields.some((field) => field.name === "key" && field.kind === "string");
  if (!hasKey) return error;
  try {
    const shard = await openShard(location);
    try {
      const data = errorToData(error);
      return errorFromData({
        ...data,
        detail: { ...data.detail, key: shard.reader.readField(sample, "key") as string },
      });
    } finally {
      shard.close();
    }
  } catch {
    // The shard is what is damaged; the error says so already.
    return error;
  }
}
