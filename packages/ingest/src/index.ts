export { convert, type ConvertReport } from "./convert.js";
export { CONVERT_MODES, type ConvertMode, type ConvertOptions } from "./options.js";
export {
  planShards,
  type Plan,
  type PlannedItem,
  type PlannedShard,
  type PlannedSplit,
  type PlanOptions,
} from "./plan.js";
export { prepareImage, type PreparedImage, type PrepareOptions, type SeekableImage } from "./prepare.js";
export type { NotSeekable } from "./not-seekable.js";
export type { ConvertProgress, ShardProgress } from "./progress.js";
export { REJECTS_NAME, rejectSchema, type Reject } from "./rejects.js";
export { CLASSES_ATTRIBUTE, writeShard, type ShardHooks, type ShardResult, type ShardTask } from "./shard-task.js";
export { detectSourceKind, openSource } from "./sources/open-source.js";
export { IMAGE_EXTENSIONS, MAX_IMAGE_BYTES, openImageFolder } from "./sources/image-folder.js";
export {
  SOURCE_KINDS,
  type IgnoredFiles,
  type IgnoredReason,
  type Listing,
  type Source,
  type SourceItem,
  type SourceKind,
  type SourceSpec,
} from "./sources/source.js";
export { ChannelSummer, statisticsOf, type ChannelSums } from "./statistics.js";
export { stratifiedShare } from "./stratified-share.js";
